"""Drifts: what happens to a line's camera and light, made from real images."""

from __future__ import annotations

import functools
from collections.abc import Callable
from collections.abc import Mapping

import tensorflow as tf

# Deviation of sensor noise and least width of a Gaussian kernel.
_KERNEL_RADIUS = 3.0

Drift = Callable[[tf.Tensor], tf.Tensor]


def _gain(images: tf.Tensor, factor: float) -> tf.Tensor:
    return (images + 1.0) * factor - 1.0


def _offset(images: tf.Tensor, share: float) -> tf.Tensor:
    return images + 2.0 * share


def _gamma(images: tf.Tensor, exponent: float) -> tf.Tensor:
    return 2.0 * ((images + 1.0) / 2.0) ** exponent - 1.0


def _blur(images: tf.Tensor, sigma: float) -> tf.Tensor:
    radius = int(_KERNEL_RADIUS * sigma) + 1
    positions = tf.range(-radius, radius + 1, dtype=tf.float32)
    line = tf.exp(-0.5 * (positions / sigma) ** 2)
    line /= tf.reduce_sum(line)
    channels = images.shape[-1]
    rows = tf.tile(line[:, None, None, None], [1, 1, channels, 1])
    border = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    images = tf.pad(images, border, "SYMMETRIC")
    for kernel in (rows, tf.transpose(rows, [1, 0, 2, 3])):
        images = tf.nn.depthwise_conv2d(images, kernel, [1] * 4, "VALID")
    return images


def _jpeg(images: tf.Tensor, quality: int) -> tf.Tensor:
    def compress(image: tf.Tensor) -> tf.Tensor:
        pixels = tf.image.convert_image_dtype((image + 1.0) / 2.0, tf.uint8)
        coded = tf.io.encode_jpeg(pixels, quality=quality)
        pixels = tf.io.decode_jpeg(coded, channels=image.shape[-1])
        return tf.cast(pixels, tf.float32) / 127.5 - 1.0

    return tf.map_fn(compress, images)


def _moved(images: tf.Tensor, matrix: list[float]) -> tf.Tensor:
    """Images under a projective transform, the border repeated."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.constant([matrix]),
        output_shape=tf.shape(images)[1:3],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )


def _shift(images: tf.Tensor, pixels: float) -> tf.Tensor:
    return _moved(images, [1.0, 0.0, pixels, 0.0, 1.0, pixels, 0.0, 0.0])


def _rotation(images: tf.Tensor, degrees: float) -> tf.Tensor:
    angle = tf.constant(degrees * 3.14159265 / 180.0)
    cosine, sine = float(tf.cos(angle)), float(tf.sin(angle))
    height, width = images.shape[1] - 1, images.shape[2] - 1
    across = (width - (cosine * width - sine * height)) / 2.0
    down = (height - (sine * width + cosine * height)) / 2.0
    matrix = [cosine, -sine, across, sine, cosine, down, 0.0, 0.0]
    return _moved(images, matrix)


def _noise(images: tf.Tensor, deviation: float) -> tf.Tensor:
    noise = tf.random.stateless_normal(tf.shape(images), [0, 0])
    return images + deviation / 127.5 * noise


def _dead_column(images: tf.Tensor, share: float) -> tf.Tensor:
    """One column of the sensor stays black, so many of the width from left."""
    width = images.shape[2]
    dead = tf.range(width) == int(share * width)
    return tf.where(dead[None, None, :, None], -1.0, images)


_SIZES: Mapping[str, tuple[Callable, tuple[float, ...]]] = {
    "gain": (_gain, (0.8, 0.9, 0.95, 1.05, 1.1, 1.2)),
    "offset": (_offset, (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)),
    "gamma": (_gamma, (0.8, 1.25)),
    "blur": (_blur, (0.5, 1.0, 2.0)),
    "jpeg": (_jpeg, (30,)),
    "shift": (_shift, (1.0, 2.0, 4.0)),
    "rotation": (_rotation, (1.0, 2.0, 3.0)),
    "noise": (_noise, (2.0, 5.0, 10.0)),
    "dead_column": (_dead_column, (0.4,)),
}


def all_drifts() -> dict[str, Drift]:
    """Every drift by kind and size.

    Sizes are: of gain the factor, of offset the share of the range of values,
    of gamma the exponent, of blur the deviation in pixels, of JPEG the quality,
    of a shift pixels in both directions, of rotation degrees, of noise the
    deviation in values of 8 bits, of a dead column its place. Pixels are those
    of the images that are given.

    Returns:
        drifts: Functions of float32 images (batch, height, width, channels) in
            [-1, 1], which return such images, by a name like "blur 0.5".
    """
    return {
        f"{kind} {size:g}": functools.partial(_drifted, function, size)
        for kind, (function, sizes) in _SIZES.items()
        for size in sizes
    }


def _drifted(function: Callable, size: float, images: tf.Tensor) -> tf.Tensor:
    """The drift, rounded and clipped as a camera of 8 bits does."""
    images = tf.clip_by_value(function(images, size), -1.0, 1.0)
    return tf.round((images + 1.0) * 127.5) / 127.5 - 1.0
