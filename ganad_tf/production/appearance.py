"""How images look at first sight: brightness, sharpness, and two scores."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from ganad_tf import progress
from ganad_tf.data import image_files
from ganad_tf.errors import UserError
from ganad_tf.production.score_stream import ScoredImage

_MAX_SIDE = 2048


# What `looks_of` knows of an image.
LOOKS = (
    "frechet_score",
    "reconstruction_error",
    "brightness",
    "sharpness",
)


class Appearance(NamedTuple):
    """Two numbers that need no model."""

    brightness: float  # mean gray value, 0 to 255
    sharpness: float  # mean step between neighbours, in deviations of gray


def looks_of(images: Sequence[ScoredImage]) -> dict[str, np.ndarray]:
    """The numbers that tell how images look.

    Args:
        images: n images; each picture is opened.

    Returns:
        looks: Floats of shape (n,) by name of `LOOKS`, NaN where nobody has
            the picture any more.
    """
    batches = progress.LoggedBatches(
        [[image] for image in images],
        total=len(images),
        what="Looked at images",
    )
    seen = [_appearance_of(image) for (image,) in batches]
    rows = [
        (image.frechet_score, image.reconstruction_error, *appearance)
        for image, appearance in zip(images, seen, strict=True)
    ]
    return dict(zip(LOOKS, np.array(rows, np.float64).T, strict=True))


def _appearance_of(image: ScoredImage) -> Appearance:
    picture = open_image(image)
    if picture is None:
        return Appearance(np.nan, np.nan)
    return appearance(picture)


def open_image(image: ScoredImage) -> Image.Image | None:
    """The picture of a scored image; None where nobody has it any more."""
    try:
        if image.image_bytes:
            content = image_files.checked_image_bytes(image.image_bytes)
        else:
            content = image_files.read_image_bytes(image.path)
        return Image.open(io.BytesIO(content)).convert("RGB")
    except (UserError, OSError, ValueError):
        return None


def appearance(picture: Image.Image) -> Appearance:
    """Measures a picture; of a very large one its middle.

    Args:
        picture: Of any mode.

    Returns:
        appearance: `Appearance`.

    Example:
    >>> gray = Image.new("L", (8, 8), 100)
    >>> appearance(gray)
    Appearance(brightness=100.0, sharpness=0.0)
    """
    width, height = picture.size
    left, top = (max(side - _MAX_SIDE, 0) // 2 for side in (width, height))
    box = (left, top, width - left, height - top)
    gray = np.asarray(picture.convert("L").crop(box), np.float64)
    steps = [np.abs(np.diff(gray, axis=axis)) for axis in (0, 1)]
    mean = np.mean([s.mean() if s.size else 0.0 for s in steps])
    deviation = gray.std()
    return Appearance(
        float(gray.mean()), float(mean / deviation) if deviation else 0.0
    )
