"""Gaussian and Laplacian pyramids, and the L1 distance between them.

Blurring, subsampling and interpolation along one image axis are linear, so
each is a small matrix that is made once per axis length. A pyramid level is
then two matrix products, which run at full speed on every device, keep any
size and border exact, and have matrix products as gradients.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

MIN_SIZE = 16
NUM_LEVELS = 4
# Burt & Adelson (1983), a = 3/8: the binomial kernel that OpenCV uses too.
BINOMIAL_KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0


@functools.cache
def blur_matrix(size: int) -> np.ndarray:
    """Returns the binomial blur of an axis with mirrored borders.

    Args:
        size: Pixels of the axis, at least 2.

    Returns:
        matrix: float64 of shape (size, size); each row sums to 1.
    """
    matrix = np.zeros((size, size))
    # Mirrored without repeating the border pixel, as OpenCV does by default.
    period = 2 * (size - 1)
    for offset, weight in zip(range(-2, 3), BINOMIAL_KERNEL, strict=True):
        for row in range(size):
            column = abs(row + offset) % period
            matrix[row, min(column, period - column)] += weight
    return matrix


@functools.cache
def _reduce_matrix(size: int) -> np.ndarray:
    """Blurs and keeps every second sample: `(ceil(size / 2), size)`."""
    return blur_matrix(size)[::2]


@functools.cache
def _expand_matrix(size: int) -> np.ndarray:
    """Interpolates to `size` samples: `(size, ceil(size / 2))`.

    Zeros are put between the samples, then blurred at twice the gain.
    """
    return 2.0 * blur_matrix(size)[:, ::2]


def _apply(rows: np.ndarray, columns: np.ndarray, planes: tf.Tensor):
    """Multiplies `planes` `(n, height, width)` by one matrix an axis."""
    # Products from both sides: rows act on the height, columns on the width.
    dtype = planes.dtype.as_numpy_dtype
    planes = tf.matmul(tf.constant(rows.astype(dtype))[None], planes)
    return tf.tensordot(planes, tf.constant(columns.T.astype(dtype)), 1)


def _reduce(planes: tf.Tensor) -> tf.Tensor:
    _, height, width = planes.shape
    return _apply(_reduce_matrix(height), _reduce_matrix(width), planes)


def _expand(planes: tf.Tensor, height: int, width: int) -> tf.Tensor:
    return _apply(_expand_matrix(height), _expand_matrix(width), planes)


def _to_planes(images: tf.Tensor) -> tf.Tensor:
    """Makes every channel of every image a plane of its own."""
    images = tf.convert_to_tensor(images)
    _, height, width, channels = images.shape
    if None in (height, width, channels) or min(height, width) < MIN_SIZE:
        raise ValueError(
            "Invalid shape for argument `images`. Expected (batch, height, "
            f"width, channels) with known sides of at least {MIN_SIZE}. "
            f"Received: images.shape={images.shape}"
        )
    planes = tf.transpose(images, [0, 3, 1, 2])
    return tf.reshape(planes, [-1, height, width])


def _to_images(planes: tf.Tensor, channels: int) -> tf.Tensor:
    _, height, width = planes.shape
    images = tf.reshape(planes, [-1, channels, height, width])
    return tf.transpose(images, [0, 2, 3, 1])


def _check_num_levels(num_levels: int) -> None:
    if num_levels < 1:
        raise ValueError(
            "Invalid value for argument `num_levels`. Expected at least 1. "
            f"Received: num_levels={num_levels}"
        )


def _laplacian_planes(planes: tf.Tensor, num_levels: int) -> list[tf.Tensor]:
    _check_num_levels(num_levels)
    levels = []
    for _ in range(num_levels - 1):
        _, height, width = planes.shape
        if min(height, width) < 3:
            break  # nothing is left to subsample
        low = _reduce(planes)
        levels.append(planes - _expand(low, height, width))
        planes = low
    return [*levels, planes]


def gaussian_pyramid(
    images: tf.Tensor, *, num_levels: int = NUM_LEVELS
) -> list[tf.Tensor]:
    """Blurs and halves images again and again.

    Args:
        images: Floats of shape (batch, height, width, channels), sides known
            and at least 16.
        num_levels: How many levels, the images themselves being the first.

    Returns:
        levels: `num_levels` tensors, highest resolution first; a side of
            `s` pixels becomes one of `ceil(s / 2)`.

    Raises:
        ValueError: If a side is unknown or too small.

    Reference:
        Burt & Adelson, "The Laplacian Pyramid as a Compact Image Code",
        IEEE Transactions on Communications 31(4), 1983.
    """
    _check_num_levels(num_levels)
    channels = images.shape[-1]
    levels = [_to_planes(images)]
    for _ in range(num_levels - 1):
        levels.append(_reduce(levels[-1]))
    return [_to_images(planes, channels) for planes in levels]


def laplacian_pyramid(
    images: tf.Tensor, *, num_levels: int = NUM_LEVELS
) -> list[tf.Tensor]:
    """Splits images into bands of detail and a low-pass residue.

    Each level is what the next coarser Gaussian level cannot predict, so the
    levels add up to the image again (`reconstruct_from_laplacian`).

    Args:
        images: Floats of shape (batch, height, width, channels), sides known
            and at least 16.
        num_levels: How many levels, the residue being the last. Sides below
            3 pixels are not halved again.

    Returns:
        levels: Tensors, highest resolution first, the residue last.

    Raises:
        ValueError: If a side is unknown or too small.

    Example:
    >>> images = tf.random.stateless_uniform([2, 33, 64, 3], seed=[0, 1])
    >>> levels = laplacian_pyramid(images, num_levels=3)
    >>> [tuple(level.shape[1:3]) for level in levels]
    [(33, 64), (17, 32), (9, 16)]
    """
    channels = images.shape[-1]
    levels = _laplacian_planes(_to_planes(images), num_levels)
    return [_to_images(planes, channels) for planes in levels]


def reconstruct_from_laplacian(levels: list[tf.Tensor]) -> tf.Tensor:
    """Adds the levels of `laplacian_pyramid` up to the images again.

    Args:
        levels: Tensors of shape (batch, height, width, channels), highest
            resolution first.

    Returns:
        images: Floats of the first level's shape.
    """
    images = levels[-1]
    for level in reversed(levels[:-1]):
        _, height, width, channels = level.shape
        planes = tf.reshape(
            tf.transpose(images, [0, 3, 1, 2]), [-1, *images.shape[1:3]]
        )
        images = level + _to_images(_expand(planes, height, width), channels)
    return images


def laplacian_pyramid_l1(
    images: tf.Tensor,
    reconstructions: tf.Tensor,
    *,
    num_levels: int = NUM_LEVELS,
    smoothing: float = 0.0,
) -> tf.Tensor:
    """Sums, over the levels, the mean absolute difference of two pyramids.

    The pyramid is linear, so one pyramid of the difference is enough:
    `sum_l mean(|L_l(images - reconstructions)|)`, equation (4) of Lai et al.
    (2018) after Bojanowski et al. (2018), with each level averaged over its
    own pixels instead of weighted by `2^(2l)`.

    Args:
        images: Floats of shape (batch, height, width, channels).
        reconstructions: Floats of the same shape.
        num_levels: Levels of the pyramid, the residue being the last.
        smoothing: Differences far below it count by their square (Charbonnier
            et al. 1994: `sqrt(d^2 + smoothing^2) - smoothing` for `|d|`), so
            that the gradient has no jump at 0.

    Returns:
        losses: Floats of shape (batch,): 0 where the images are equal.

    Example:
    >>> images = tf.zeros([2, 16, 16, 1])
    >>> laplacian_pyramid_l1(images, images + 0.5).numpy().round(4).tolist()
    [0.5, 0.5]
    """
    channels = images.shape[-1]
    planes = _to_planes(images - reconstructions)
    losses = 0.0
    for level in _laplacian_planes(planes, num_levels):
        if smoothing:
            sizes = tf.sqrt(level**2 + smoothing**2) - smoothing
        else:
            sizes = tf.abs(level)
        means = tf.reduce_mean(sizes, axis=[1, 2])
        losses += tf.reduce_mean(tf.reshape(means, [-1, channels]), axis=1)
    return losses
