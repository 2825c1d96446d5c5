"""A folder of anomaly maps: a picture of each image, and `regions.csv`."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from typing import Any
from typing import NamedTuple

import numpy as np
from PIL import Image

from ganad_tf import artifacts
from ganad_tf.data import image_files
from ganad_tf.detector import regions
from ganad_tf.errors import UserError
from ganad_tf.evaluation import map_pictures
from ganad_tf.score_parts import MAP_LIMIT
from ganad_tf.serving.scorer import BadAnswerError

# Files are written under a longer name first.
_MAX_NAME_BYTES = 180


class DrawnMap(NamedTuple):
    """What is kept of an image's anomaly map."""

    png: bytes  # input, reconstruction and map side by side
    regions: list[regions.Region]  # of the map, above the threshold


def draw_map(
    path: str,
    image_bytes: bytes,
    outputs: dict[str, Any],
    map_threshold: float | None,
) -> DrawnMap:
    """Draws what the signature `inspect` says of an image.

    Args:
        path: Name of the image.
        image_bytes: The encoded image.
        outputs: Its outputs of the signature `inspect`.
        map_threshold: Map value from which on a pixel belongs to a region;
            None for no regions.

    Returns:
        drawn: Its `DrawnMap`.

    Raises:
        BadAnswerError: If the outputs hold no such pictures.
    """
    pictures = (
        ("reconstruction_png_bytes", "RGB"),
        ("anomaly_map_png_bytes", "L"),
    )
    reconstruction, anomaly_map = (
        _answered(path, outputs, name, mode) for name, mode in pictures
    )
    anomaly_map = (anomaly_map + 1.0) / 2.0 * MAP_LIMIT
    height, width, _ = reconstruction.shape
    panel = map_pictures.Panel(
        map_pictures.caption(
            os.path.basename(path),
            is_defective=outputs["is_defective"],
            anomaly_score=outputs["anomaly_score"],
            p_value=outputs["p_value"],
        ),
        _pixels(image_bytes, "RGB", (width, height)),
        reconstruction,
        anomaly_map,
        map_threshold,
    )
    above = (
        []
        if map_threshold is None
        else regions.find_regions(anomaly_map, map_threshold)
    )
    png = map_pictures.panels_png([panel], Source=ascii(path))
    return DrawnMap(png, above)


class MapFolder:
    """Saves what the signature `inspect` says of each image.

    Args:
        path: The folder; it is made if it is missing.
        map_threshold: Map value from which on a pixel belongs to a region,
            of the model's manifest; None for no regions.

    Attributes:
        path: As given.
    """

    def __init__(self, path: str, map_threshold: float | None):
        self.path = path
        self._threshold = map_threshold
        self._regions = os.path.join(path, "regions.csv")

    def resume(self, paths: set[str]) -> None:
        """Drops the regions of images that are to be scored (again).

        Args:
            paths: Images whose regions stay.
        """
        if not os.path.isfile(self._regions):
            return
        with _open(self._regions, "r") as file:
            head, *rows = list(csv.reader(file)) or [[]]
        # A kill may have cut the last line.
        kept = [r for r in rows if len(r) == len(head) and r[0] in paths]
        if not kept:
            os.remove(self._regions)
            return
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([head, *kept])
        artifacts.write_text(self._regions, buffer.getvalue())

    def save(
        self, path: str, image_bytes: bytes, outputs: dict[str, Any]
    ) -> None:
        """Writes the picture of an image and appends its regions.

        Args:
            path: Name of the image.
            image_bytes: The encoded image.
            outputs: Its outputs of the signature `inspect`.

        Raises:
            BadAnswerError: If they hold no such pictures.
        """
        drawn = draw_map(path, image_bytes, outputs, self._threshold)
        artifacts.write_bytes(self._picture_path(path), drawn.png)
        if self._threshold is not None:
            self._append_regions(path, drawn.regions)

    def _picture_path(self, path: str) -> str:
        """Where the picture of an image goes: no two images share a file.

        Names that differ in "/" and "_" alone would, and a name may be too
        long; a digest of the path tells these apart.
        """
        name = _flat(path)
        plain = os.path.join(self.path, f"{name}.png")
        is_short = len(os.fsencode(name)) <= _MAX_NAME_BYTES
        if is_short and _source(plain) in (None, ascii(path)):
            return plain
        return os.path.join(self.path, picture_name(path))

    def _append_regions(self, path: str, above: list[regions.Region]) -> None:
        with _open(self._regions, "a") as file:
            file.write(regions.to_csv([(path, above)], header=not file.tell()))


def picture_name(path: str) -> str:
    """A file name for the picture of an image that no other image has.

    Args:
        path: Name of the image.

    Returns:
        name: The image's path without separators, cut where it is too long,
            and a digest of all of it.

    Example:
    >>> picture_name("day/a.png")
    'day_a.png-277eb4cfa5036856.png'
    """
    short = os.fsdecode(os.fsencode(_flat(path))[:_MAX_NAME_BYTES])
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return f"{short}-{digest}.png"


def _flat(path: str) -> str:
    return path.strip(os.sep).replace(os.sep, "_")


def _open(path: str, mode: str) -> io.TextIOWrapper:
    # Names of files may hold line ends, and bytes that are no UTF-8.
    return open(
        path, mode, newline="", encoding="utf-8", errors="surrogateescape"
    )


def _source(picture: str) -> str | None:
    """The image that a picture shows; None if there is no such picture."""
    try:
        with Image.open(picture) as opened:
            return opened.info.get("Source")
    except (OSError, SyntaxError):
        return None


def _answered(
    path: str, outputs: dict[str, Any], name: str, mode: str
) -> np.ndarray:
    """A picture that a model has answered, as `_pixels` returns it."""
    try:
        with image_files.decoder_errors():
            return _pixels(outputs[name], mode)
    except UserError as error:
        raise BadAnswerError(
            f"The pictures of {path} are not those of an exported model: "
            f"{name}: {error}"
        ) from error


def _pixels(
    image_bytes: bytes, mode: str, size: tuple[int, int] | None = None
) -> np.ndarray:
    """An encoded image as floats in [-1, 1], resized to (width, height)."""
    with Image.open(io.BytesIO(image_bytes)) as image:
        if image.mode.startswith("I"):  # 16-bit gray
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        image = image.convert(mode)
    if size is not None:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image) / 127.5 - 1.0
