"""What scores encoded images: the same interface here and behind a server."""

from __future__ import annotations

import abc
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from ganad_tf.errors import UserError

# The outputs of an image by name, or the reason why it has none.
ScoredRow = dict[str, Any] | str
Predict = Callable[[list[bytes]], list[dict[str, Any]]]


class BadAnswerError(UserError):
    """An answer that no exported model gives; to ask again would not help."""


class RefusedError(UserError):
    """A request was refused for its content; other requests may succeed."""


class Scorer(abc.ABC):
    """Scores encoded images by an exported model.

    Args:
        source: Folder of the version, or address of the server.
        manifest: Content of the model's `manifest.json`; empty where a server
            keeps it.

    Attributes:
        source: As given.
        manifest: As given.
        version: What tells the model that answers from others, known after
            `check`: a digest of its files, or its version on the server.
            Empty where a server does not say.
    """

    def __init__(self, source: str, manifest: dict[str, Any] | None = None):
        self.source = source
        self.manifest = manifest or {}
        self.version = ""

    def check(self, signature: str) -> None:
        """Checks that the model is there and has a signature of images.

        Args:
            signature: Name of the signature.

        Raises:
            UserError: If there is no such model, or it has no such signature
                of `image_bytes`.
            UnavailableError: If no server answers.
        """
        try:
            inputs = self._inputs()
        except RefusedError as error:
            raise UserError(f"{self.source}: {error}") from error
        if "image_bytes" not in inputs.get(signature, ()):
            raise UserError(
                f"{self.source} has no signature {signature!r} of image_bytes: "
                f"it has {sorted(inputs)}. Expected a model of "
                "export_saved_model.py"
            )

    def score(
        self, image_bytes: list[bytes], *, signature: str = "score"
    ) -> list[ScoredRow]:
        """Scores images; one that cannot be decoded fails alone.

        Args:
            image_bytes: Encoded PNG, JPEG or BMP images of any size.
            signature: "score" for the scalars, "inspect" for the scalars and
                PNGs of reconstruction and anomaly map.

        Returns:
            rows: For each image a dictionary from the signature's outputs to
                their values, or the reason why it has none.

        Raises:
            UserError: If the model is not there.
            UnavailableError: If a server stays unavailable.
        """
        return score_separately(
            lambda images: self._predict(images, signature), image_bytes
        )

    @abc.abstractmethod
    def _inputs(self) -> Mapping[str, Collection[str]]:
        """Names of the inputs of each of the model's signatures."""

    @abc.abstractmethod
    def _predict(
        self, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        """Rows of a batch; `RefusedError` if one of its images is bad."""


def inputs_of(signatures: Mapping[str, Any]) -> dict[str, Collection[str]]:
    """The inputs of each `SignatureDef`, by the signature's name."""
    return {name: signature.inputs for name, signature in signatures.items()}


def rows_of(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Turns columns of one length, by name, into one dictionary a row.

    Example:
    >>> rows_of({"score": [1.5, 2.5], "is_defective": [False, True]})[1]
    {'score': 2.5, 'is_defective': True}
    """
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def score_separately(
    predict: Predict, image_bytes: list[bytes]
) -> list[ScoredRow]:
    """Predicts a batch; one bad image does not fail the others.

    A server refuses a batch as a whole. It is halved until the bad image is
    alone, which takes about 2 log2(n) further requests.

    Args:
        predict: From encoded images to their rows; raises `RefusedError`.
        image_bytes: Encoded images, any number.

    Returns:
        rows: For each image its row, or the reason why it has none.

    Raises:
        BadAnswerError: If `predict` gives another number of rows.

    Example:
    >>> def predict(images):
    ...     if b"bad" in images:
    ...         raise RefusedError("no image")
    ...     return [{"length": len(image)} for image in images]
    >>> score_separately(predict, [b"a", b"bad", b"abc"])
    [{'length': 1}, 'no image', {'length': 3}]
    """
    if not image_bytes:
        return []
    try:
        rows = predict(image_bytes)
    except RefusedError as error:
        if len(image_bytes) == 1:
            return [" ".join(str(error).split())]
    else:
        if len(rows) != len(image_bytes):
            raise BadAnswerError(
                f"Expected the scores of {len(image_bytes)} images. Received: "
                f"those of {len(rows)}"
            )
        return rows
    middle = len(image_bytes) // 2
    return [
        row
        for half in (image_bytes[:middle], image_bytes[middle:])
        for row in score_separately(predict, half)
    ]
