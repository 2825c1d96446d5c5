"""Masks: which pixels of a defective image are defective."""

from __future__ import annotations

import io
import os

import numpy as np
from PIL import Image

from ganad_tf import remote
from ganad_tf.data import image_files
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError

# A mask with larger values has gray levels, whose middle is the edge; one
# without numbers its pixels: 0 is background.
_MAX_LABEL = 127


def find_mask(file: ImageFile) -> str | None:
    """The path of the mask of a defective image; None if there is none.

    Args:
        file: `ImageFile` of a test image of an MVTec-AD folder.
    """
    root = file.path.removesuffix(file.name.replace("/", os.sep))
    stem = os.path.splitext(os.path.basename(file.path))[0]
    folder = os.path.join(root, "ground_truth", file.defect_type)
    for name in (f"{stem}_mask.png", f"{stem}.png"):
        path = os.path.join(folder, name)
        if remote.is_file(path):
            return path
    return None


def load_mask(
    file: ImageFile, *, image_size: image_files.ImageSize
) -> np.ndarray | None:
    """The ground truth of a defective image of an MVTec-AD folder.

    The mask may have any size of the image's aspect, and values of 0 and 255
    or of 0, 1, 2...

    Args:
        file: `ImageFile` of a test image.
        image_size: Side of the mask in pixels, or (height, width).

    Returns:
        mask: Booleans of shape (height, width), true where any pixel of the
            file's mask is, so that no small defect is lost; None where there
            is no mask.

    Raises:
        UserError: If the mask cannot be decoded or has another aspect than
            its image; the message names it.
    """
    path = find_mask(file)
    if path is None:
        return None
    try:
        mask = _read(path)
        _check_aspect(mask, file.path)
    except UserError as error:
        raise UserError(f"mask {path}: {error}") from error
    return resize_mask(mask, image_size=image_size)


def _read(path: str) -> np.ndarray:
    """The defective pixels of a mask of any depth or colour."""
    data = image_files.read_file(path)
    with image_files.decoder_errors(), Image.open(io.BytesIO(data)) as image:
        image_files.check_num_pixels(image)
        deep = image.mode.startswith("I")
        values = np.asarray(image if deep else image.convert("L"))
    return values > (_MAX_LABEL if values.max() > _MAX_LABEL else 0)


def _check_aspect(mask: np.ndarray, image_path: str) -> None:
    """Which pixels another aspect means is unknown: it may be cut or turned."""
    with (
        image_files.decoder_errors(),
        remote.open_file(image_path) as file,
        Image.open(file) as image,
    ):
        size = np.array([image.height, image.width])
    scale = np.sqrt(mask.size / size.prod())
    if np.abs(mask.shape - scale * size).max() > 1.0:  # sides are integers
        raise UserError(
            f"{mask.shape[1]}x{mask.shape[0]} px: expected the aspect of its "
            f"image, {size[1]}x{size[0]} px"
        )


def resize_mask(
    mask: np.ndarray, *, image_size: image_files.ImageSize
) -> np.ndarray:
    """Resizes a mask by area: a pixel that is covered at all is defective.

    Args:
        mask: Booleans of shape (any height, any width).
        image_size: Side in pixels, or (height, width).

    Returns:
        mask: Booleans of shape (height, width).

    Example:
    >>> mask = np.zeros([64, 64], bool)
    >>> mask[37, 5] = True
    >>> np.argwhere(resize_mask(mask, image_size=8)).tolist()
    [[4, 0]]
    """
    height, width = image_files.height_and_width(image_size)
    covered = Image.fromarray(mask.astype(np.float32)).resize(
        (width, height), Image.Resampling.BOX
    )
    return np.asarray(covered) > 0.0
