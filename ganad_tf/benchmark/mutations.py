"""Broken image files: seeded mutations of small valid ones.

Bits flip, files end early, the start of one goes on as another, headers lie,
and some claim sizes that no memory holds.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

_SIDE = 24
_VAST = (2**15, 50_000, 2**31 - 1)  # sides that bombs claim, in pixels
_PNG_START = 16  # of width and height in the file
_BMP_START = 18


def valid_images() -> list[bytes]:
    """One file of each kind that the tools read: format, depth, compression."""
    draw = np.random.default_rng(0).integers
    gray = Image.fromarray(draw(0, 256, [_SIDE, _SIDE], np.uint8))
    color = Image.fromarray(draw(0, 256, [_SIDE, _SIDE, 3], np.uint8))
    deep = Image.fromarray(draw(0, 65536, [_SIDE, _SIDE], np.uint16))
    kinds = [(i, k, {}) for i in (gray, color) for k in _FORMATS]
    kinds += [
        (deep, "PNG", {}),
        (deep, "TIFF", {}),
        (color.convert("RGBA"), "PNG", {}),
        (color.quantize(16), "PNG", {}),
        (color.quantize(16), "BMP", {}),
        (gray.convert("1"), "TIFF", {"compression": "group4"}),
        (color, "TIFF", {"compression": "tiff_lzw"}),
        (color, "TIFF", {"compression": "jpeg"}),
        (color, "JPEG", {"progressive": True}),
        (color.convert("CMYK"), "JPEG", {}),
    ]
    return [_encode(*kind) for kind in kinds]


_FORMATS = ("PNG", "JPEG", "BMP", "TIFF")


def _encode(image: Image.Image, kind: str, options: dict) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def mutations(count: int, *, seed: int) -> Iterator[bytes]:
    """Yields mutated files.

    Args:
        count: How many.
        seed: Equal seeds give equal files.

    Yields:
        data: Content of a file, most of them broken.
    """
    generator = np.random.default_rng(seed)
    images = valid_images()
    for _ in range(count):
        data, other = (images[generator.integers(len(images))] for _ in "ab")
        kind = _KINDS[generator.integers(len(_KINDS))]
        yield kind(bytearray(data), other, generator)


def _flip(data: bytearray, _, generator) -> bytes:
    """Flips a few bits."""
    for place in generator.integers(len(data), size=generator.integers(1, 17)):
        data[place] ^= 1 << generator.integers(8)
    return bytes(data)


def _truncate(data: bytearray, _, generator) -> bytes:
    return bytes(data[: generator.integers(len(data))])


def _splice(data: bytearray, other: bytes, generator) -> bytes:
    """Goes on as another file, from somewhere to somewhere."""
    start = generator.integers(len(data))
    return bytes(data[:start]) + other[generator.integers(len(other)) :]


def _lie(data: bytearray, _, generator) -> bytes:
    """Changes bytes of the header; of a PNG, with the right checksum."""
    for place in generator.integers(min(len(data), 64), size=3):
        data[place] = generator.choice([0, 1, 127, 255])
    return _with_checksum(data)


def _claim(data: bytearray, _, generator) -> bytes:
    """Claims a size that the content does not have: a bomb."""
    width, height = (int(generator.choice(_VAST)) for _ in "wh")
    if data.startswith(b"\x89PNG"):
        struct.pack_into(">II", data, _PNG_START, width, height)
    elif data.startswith(b"BM"):
        struct.pack_into("<ii", data, _BMP_START, width, height)
    elif data.startswith(b"\xff\xd8"):
        frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
        struct.pack_into(">HH", data, frame + 5, height % 2**16, width % 2**16)
    else:  # of the first tags of a TIFF, width and height come first
        (start,) = struct.unpack_from("<I", data, 4)
        tags = (256, 4, 1, width, 257, 4, 1, height)
        struct.pack_into("<HHIIHHII", data, start + 2, *tags)
    return _with_checksum(data)


def _with_checksum(data: bytearray) -> bytes:
    if data.startswith(b"\x89PNG") and len(data) > 33:
        struct.pack_into(">I", data, 29, zlib.crc32(bytes(data[12:29])))
    return bytes(data)


_KINDS = (_flip, _truncate, _splice, _lie, _claim)
