"""What clients of TensorFlow Serving share, whatever protocol they speak."""

from __future__ import annotations

import abc
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from ganad_tf.serving import scoring


class ServingClient(abc.ABC):
    """Scores encoded images by a model behind a server.

    Args:
        url: The model's address.
        timeout: Seconds to wait for an answer.
        num_retries: How often to ask again while the server is unavailable.

    Attributes:
        url: As given.
    """

    def __init__(self, url: str, *, timeout: float, num_retries: int):
        self.url = url
        self._timeout = timeout
        self._num_retries = num_retries

    def check(self, signature: str) -> None:
        """Makes sure that the model is served and has a signature.

        Args:
            signature: Its name.

        Raises:
            ValueError: If there is no such model, or no such signature.
            UnavailableError: If there is no server.
        """
        try:
            found = self._inputs()
        except scoring.RefusedError as error:
            raise ValueError(f"{self.url}: {error}") from error
        if "image_bytes" not in found.get(signature, ()):
            raise ValueError(
                f"{self.url} has no signature {signature!r} of image_bytes: "
                f"it has {sorted(found)}. Expected a model of "
                "export_saved_model.py"
            )

    def score(
        self, image_bytes: list[bytes], *, signature: str = "score"
    ) -> list[scoring.ScoredRow]:
        """Scores images; one that the server refuses costs itself alone.

        Args:
            image_bytes: Encoded PNG, JPEG or BMP images.
            signature: "score", or "inspect" for PNGs beside the scalars.

        Returns:
            rows: For each image a dictionary from the signature's outputs to
                their values, or the reason why there is none.

        Raises:
            ValueError: If the model is not there.
            UnavailableError: If the server stays unavailable.
        """
        return scoring.score_apart(
            lambda images: self._predict(images, signature), image_bytes
        )

    def _retried(self, ask: Callable[[], Any]) -> Any:
        return scoring.with_retries(ask, num_retries=self._num_retries)

    @abc.abstractmethod
    def _inputs(self) -> Mapping[str, Collection[str]]:
        """Names of the inputs of each of the model's signatures."""

    @abc.abstractmethod
    def _predict(
        self, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        """Rows of images; `RefusedError` if the server refuses them."""
