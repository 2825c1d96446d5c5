"""Headers of encoded images, read by TensorFlow ops before decoding.

A file of 10 kB may claim a billion pixels. What decodes it must know before it
takes memory for them, in the tools and in the served graph alike.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ganad_tf.data.image_files import MAX_PIXELS

# The first bytes of the formats that `decode_image` takes.
_PNG, _JPEG, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"
_HEAD = 32  # bytes that hold the size of a PNG or BMP image
_BIG_ENDIAN = 256 ** np.arange(3, -1, -1)


def checked(image_bytes: tf.Tensor) -> tf.Tensor:
    """The given bytes, for a decoder that must run after these checks.

    TensorFlow knows further formats, such as animations whose every picture
    it would decode; they are refused.

    Args:
        image_bytes: String scalar, encoded PNG, JPEG or BMP.

    Returns:
        image_bytes: The same.

    Raises:
        tf.errors.InvalidArgumentError: When the ops run, if the format is
            another one, the header is broken, or it claims more than
            `MAX_PIXELS` pixels.
    """
    size = _size(image_bytes)
    known = tf.debugging.Assert(
        size[0] >= 0,
        ["Unknown image file format: expected PNG, JPEG or BMP"],
    )
    message = tf.strings.format(
        f"too large: {{}}x{{}} px: expected at most {MAX_PIXELS} pixels",
        (size[1], size[0]),
    )
    small = tf.debugging.Assert(tf.reduce_prod(size) <= MAX_PIXELS, [message])
    with tf.control_dependencies([op for op in (known, small) if op]):
        return tf.identity(image_bytes)


def _size(image_bytes: tf.Tensor) -> tf.Tensor:
    """Claimed height and width, int64 of shape (2,); -1 of other formats."""
    head = tf.io.decode_raw(image_bytes, tf.uint8, fixed_length=_HEAD)
    head = tf.cast(head, tf.int64)

    def starts_with(magic: bytes) -> tf.Tensor:
        return tf.reduce_all(head[: len(magic)] == list(magic))

    def integer(place: int, weights: np.ndarray) -> tf.Tensor:
        value = tf.reduce_sum(head[place : place + 4] * weights)
        # Negative in BMP: the rows are stored from the top.
        return tf.abs(tf.where(value < 2**31, value, value - 2**32))

    def of_jpeg() -> tf.Tensor:
        shape = tf.io.extract_jpeg_shape(image_bytes)
        return tf.cast(shape[:2], tf.int64)

    def of_png() -> tf.Tensor:
        return tf.stack([integer(20, _BIG_ENDIAN), integer(16, _BIG_ENDIAN)])

    def of_bmp() -> tf.Tensor:
        little = _BIG_ENDIAN[::-1]
        return tf.stack([integer(22, little), integer(18, little)])

    return tf.case(
        [
            (starts_with(_PNG), of_png),
            (starts_with(_JPEG), of_jpeg),
            (starts_with(_BMP), of_bmp),
        ],
        default=lambda: tf.constant([-1, -1], tf.int64),
    )
