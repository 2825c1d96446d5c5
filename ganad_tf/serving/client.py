"""What clients of TensorFlow Serving share: patience with a busy server."""

from __future__ import annotations

import abc
import random
import time
from collections.abc import Callable
from typing import Any

from absl import logging

from ganad_tf.errors import UserError
from ganad_tf.serving.credentials import NO_CREDENTIALS
from ganad_tf.serving.credentials import Credentials
from ganad_tf.serving.scorer import Scorer

_FIRST_PAUSE = 0.25  # seconds
_MAX_CHANGES = 4  # of the version, while one request is answered
_LONGEST_PAUSE = 15.0  # seconds


class UnavailableError(UserError):
    """No answer in time, or the server asks to come back later."""


class GoneError(UserError):
    """The server has no such model, or not this version of it any more."""


class ServingClient(Scorer):
    """Scores encoded images by a model behind a server.

    After `check`, requests name the version that they are for, so that no two
    versions are mixed unnoticed. When it is gone, `version` becomes the
    newest.

    Args:
        url: The model's address.
        timeout: Seconds to wait for an answer.
        num_retries: How often a request is repeated while the server is
            unavailable.
        credentials: For a server that asks for them, or for TLS.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        num_retries: int,
        credentials: Credentials = NO_CREDENTIALS,
    ):
        super().__init__(url)
        self._timeout = timeout
        self._num_retries = num_retries
        self._credentials = credentials

    @abc.abstractmethod
    def _newest_version(self) -> str:
        """The version that would answer now; empty if none is told."""

    @abc.abstractmethod
    def _predict_by(
        self, version: str, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        """Rows by one version; `GoneError` if the server has it no more."""

    def _predict(
        self, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        for _ in range(_MAX_CHANGES):
            version = self.version
            try:
                return self._predict_by(version, images, signature)
            except GoneError:
                newest = self._newest_version()
                if not version or newest == version:
                    raise
            logging.info("%s has changed to version %s.", self.source, newest)
            self.version = newest
        raise UserError(
            f"{self.source} changes its version again and again: expected "
            "an address that names the version"
        )

    def _with_retries(self, call: Callable[[], Any]) -> Any:
        return with_retries(call, num_retries=self._num_retries)


def with_retries(call: Callable[[], Any], *, num_retries: int) -> Any:
    """Repeats a call while the server is unavailable, after growing pauses.

    Args:
        call: The request; raises `UnavailableError` to be repeated.
        num_retries: How often it is repeated at most.

    Returns:
        result: Of the first call that succeeds.

    Raises:
        UnavailableError: Of the last call.
    """
    for attempt in range(num_retries):
        try:
            return call()
        except UnavailableError as error:
            pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
            # Clients that failed together must not return together.
            pause *= random.uniform(0.5, 1.0)
            logging.warning("%s; retrying in %.1f s.", error, pause)
            time.sleep(pause)
    return call()
