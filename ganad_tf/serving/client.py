"""What clients of TensorFlow Serving share: patience with a busy server."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from absl import logging

from ganad_tf.errors import UserError
from ganad_tf.serving.scorer import Scorer

_FIRST_PAUSE = 0.25  # seconds
_LONGEST_PAUSE = 15.0  # seconds


class UnavailableError(UserError):
    """No answer in time, or the server asks to come back later."""


class ServingClient(Scorer):
    """Scores encoded images by a model behind a server.

    Args:
        url: The model's address.
        timeout: Seconds to wait for an answer.
        num_retries: How often a request is repeated while the server is
            unavailable.
    """

    def __init__(self, url: str, *, timeout: float, num_retries: int):
        super().__init__(url)
        self._timeout = timeout
        self._num_retries = num_retries

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
