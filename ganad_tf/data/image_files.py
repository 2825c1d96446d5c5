"""Image files: checked, and as bytes that TensorFlow decodes.

Nothing of TensorFlow is needed here, so that light clients can use it.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import warnings
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ganad_tf import remote
from ganad_tf.errors import UserError

MIN_SIDE = 16
FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
GRAY_MODES = ("1", "L", "LA", "I;16", "I;16B", "I;16L", "I")
# A colour image of so many pixels takes some 4 GB to decode, by its arrays.
MAX_PIXELS = 100_000_000
# How the reason begins where a file could not be read at all.
UNREADABLE = "unreadable"
_MAX_BYTES = 2**30
_BITS_PER_SAMPLE = 258  # a tag of TIFF
_COLOR_MODES = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")

# Side of a square in pixels, or (height, width).
ImageSize = int | Sequence[int]


def height_and_width(image_size: ImageSize) -> tuple[int, int]:
    """An `image_size` as (height, width): an integer is a square's side."""
    if isinstance(image_size, int):
        return image_size, image_size
    height, width = image_size
    return height, width


@contextlib.contextmanager
def decoder_errors() -> Iterator[None]:
    """Turns whatever a decoder raises into a reason in one line.

    Raises:
        UserError: In place of any exception of the block.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(f"too large: {error}") from error
    except Image.UnidentifiedImageError as error:
        raise UserError(
            f"not an image: expected one of {', '.join(FORMATS)}"
        ) from error
    # Pillow's parsers raise whatever a broken file makes their code raise:
    # TypeError, KeyError, IndexError, struct.error, ZeroDivisionError, ...
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"corrupt or truncated image: {reason}") from error


def _check(data: bytes) -> None:
    """Fully decodes an image, or says in one line why it cannot be used."""
    if not data:
        raise UserError("empty file")
    image = Image.open(io.BytesIO(data))
    _check_header(image)
    image.load()


def _check_header(image: Image.Image) -> None:
    width, height = image.size
    if image.format not in FORMATS:
        raise UserError(
            f"unsupported format {image.format}: expected one of "
            f"{', '.join(FORMATS)}"
        )
    # Older versions of Pillow open 16-bit PNG as "I"; else that is 32 bit.
    too_deep = image.mode == "I" and image.format != "PNG"
    if too_deep or image.mode not in GRAY_MODES + _COLOR_MODES:
        raise UserError(
            f"unsupported pixel type {image.mode}: expected 8- or 16-bit gray "
            "or 8-bit RGB"
        )
    if min(width, height) < MIN_SIDE:
        raise UserError(
            f"{width}x{height} px: expected at least {MIN_SIDE}x{MIN_SIDE}"
        )
    check_num_pixels(image)
    if image.format == "TIFF" and image.mode in _COLOR_MODES:
        _check_depth(image)


def check_num_pixels(image: Image.Image) -> None:
    """Refuses, before it is decoded, an image that takes too much memory.

    Args:
        image: Opened; its size is known from the header.

    Raises:
        UserError: If it has more than `MAX_PIXELS` pixels.
    """
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UserError(
            f"too large: {width}x{height} px: expected at most {MAX_PIXELS} "
            "pixels"
        )


def _check_depth(image: Image.Image) -> None:
    """Refuses a colour TIFF whose lower bits Pillow would drop."""
    bits = max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,)))
    if bits > 8:
        raise UserError(
            f"unsupported {bits}-bit colour TIFF: expected 8 bits a channel, "
            "or 16-bit colour as PNG"
        )


def read_file(path: str) -> bytes:
    """The content of a regular file: a pipe would never end.

    Args:
        path: The file, here or anywhere (`remote`).

    Returns:
        data: Its bytes.

    Raises:
        UserError: If it cannot be read; the message is the reason in one line,
            without the file's name.
    """
    try:
        check_num_bytes(_file_size(path))
        with remote.open_file(path) as file:
            return file.read()
    except OSError as error:
        raise UserError(f"{UNREADABLE}: {error.strerror}") from error


def check_num_bytes(size: int) -> None:
    """Refuses a file, before it is read, that is no image by its size.

    Args:
        size: Of the file, in bytes.

    Raises:
        UserError: If it is larger than any image that can be used.
    """
    if size > _MAX_BYTES:
        raise UserError(
            f"too large: {size} bytes, expected at most {_MAX_BYTES}"
        )


def _file_size(path: str) -> int:
    if remote.is_remote(path):
        return remote.size_and_time(path)[0]
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise UserError("not a regular file")
    return status.st_size


def read_image_bytes(path: str) -> bytes:
    """Reads and checks an image file, as bytes that TensorFlow decodes.

    PNG and JPEG come back as they are; TIFF, which TensorFlow does not know,
    and BMP, of which it does not know every kind, become PNG without loss.

    Args:
        path: The file: PNG, JPEG, BMP or TIFF, 8 or 16 bit, gray or RGB, with
            sides of at least 16 pixels and `MAX_PIXELS` pixels at most. RGB
            with 16 bits is PNG.

    Returns:
        image_bytes: Encoded PNG or JPEG.

    Raises:
        UserError: If the file is no such image; the message is the reason
            in one line, without the file's name.
    """
    return checked_image_bytes(read_file(path))


def checked_image_bytes(data: bytes) -> bytes:
    """Checks the content of an image file, and makes it decodable.

    Args:
        data: The file's bytes, wherever they were read.

    Returns:
        image_bytes: As of `read_image_bytes`.

    Raises:
        UserError: As of `read_image_bytes`.
    """
    with decoder_errors():
        _check(data)
        return decodable(data)


def decodable(data: bytes) -> bytes:
    """Makes bytes that TensorFlow decodes of those of a checked image file.

    Args:
        data: Content of a PNG, JPEG, BMP or TIFF file.

    Returns:
        image_bytes: TIFF and BMP, known by their first bytes, as PNG; others
            as they are.
    """
    if data[:2] not in (b"II", b"MM", b"BM"):
        return data
    image = Image.open(io.BytesIO(data))
    if image.mode in ("CMYK", "YCbCr", "RGBX"):
        image = image.convert("RGB")
    elif image.mode.startswith("I"):  # 16-bit gray, whatever its byte order
        image = Image.fromarray(np.asarray(image).astype(np.uint16))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
