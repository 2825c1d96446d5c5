"""Residuals: their size on qualified images, and the anomaly map."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from scipy import ndimage

SIGMAS = (1.0, 3.0, 9.0)
# Residuals are judged from the finest scale on, of which the reconstructions
# explain so much of the variance of held-out qualified images.
MIN_EXPLAINED = 0.975
# The error of an image is the mean of its largest residuals: 1 % of pixels.
TOP_SHARE = 0.01
# Longer sides are blurred in blocks, shorter ones by one matrix an axis.
MAX_MATRIX_SIDE = 640
BLOCK = 128


@functools.cache
def _gaussian_matrix(size: int, sigma: float) -> np.ndarray:
    """The `(size, size)` Gaussian blur along one axis, mirrored borders."""
    matrix = ndimage.gaussian_filter1d(np.eye(size), sigma, 0, mode="mirror")
    return matrix.astype(np.float32)


def gaussian_blur(images: tf.Tensor, *, sigma: float) -> tf.Tensor:
    """Blurs images by a Gaussian, with mirrored borders.

    Args:
        images: float32 of shape (batch, height, width, channels).
        sigma: Standard deviation in pixels.

    Returns:
        blurred: float32 of the same shape.
    """
    _, height, width, _ = images.shape
    if max(height, width) > MAX_MATRIX_SIDE:
        return _blur_in_blocks(_blur_in_blocks(images, sigma, 1), sigma, 2)
    rows = tf.constant(_gaussian_matrix(height, sigma))
    columns = tf.constant(_gaussian_matrix(width, sigma))
    return tf.einsum("ih,nhwc,jw->nijc", rows, images, columns)


def _blur_in_blocks(images: tf.Tensor, sigma: float, axis: int) -> tf.Tensor:
    """The same along one axis, by one small matrix for blocks of pixels."""
    side = images.shape[axis]
    radius = int(4.0 * sigma + 0.5)  # as SciPy cuts the Gaussian off
    length = BLOCK + 2 * radius
    matrix = ndimage.gaussian_filter1d(np.eye(length), sigma, 0)
    matrix = tf.constant(matrix[radius:-radius].astype(np.float32))
    border = [[0, 0]] * 4
    border[axis] = [radius, radius + -side % BLOCK]
    padded = tf.pad(images, border, "REFLECT")
    blocks = tf.signal.frame(padded, length, BLOCK, axis=axis)
    products = {1: "nklwc,bl->nkbwc", 2: "nhklc,bl->nhkbc"}
    blurred = tf.einsum(products[axis], blocks, matrix)
    shape = [-1, *images.shape[1:]]
    shape[axis] = side + -side % BLOCK
    blurred = tf.reshape(blurred, shape)
    return blurred[:, :side] if axis == 1 else blurred[:, :, :side]


def mean_of_largest(values: tf.Tensor) -> tf.Tensor:
    """Means (batch,) of the largest hundredth of each row, at least of one."""
    _, length = values.shape
    count = max(round(TOP_SHARE * length), 1)
    largest = tf.math.top_k(values, count, sorted=False)
    return tf.reduce_mean(largest.values, axis=1)


class ResidualStatistics:
    """Mean and deviation of qualified residuals, which scale new ones.

    Parts that lie in the same place in every image (`aligned`) have residuals
    with a mean and deviation of their own at each pixel, and the residual is
    band-passed: without coarse scales, so that brightness does not count, and
    without fine ones where reconstructions do not follow qualified images
    either (grain). Textures have one deviation for all pixels and the finest
    scale.

    Args:
        aligned: Whether every image shows the same part in the same place.
        sigma: Blur of the residual in pixels; `choose_sigma` chooses it.

    Attributes:
        location_: float32 of shape (height, width, channels).
        scale_: float32 of shape (height, width, channels), above 0.

    Example:
    >>> noise = np.random.default_rng(0).normal(size=(20, 16, 16, 1))
    >>> images = noise.astype("float32")
    >>> statistics = ResidualStatistics(aligned=True)
    >>> statistics = statistics.fit([(images, 0 * images)])
    >>> maps = statistics.anomaly_maps(images, 0 * images)
    >>> maps.shape, statistics.reconstruction_errors(maps).shape
    (TensorShape([20, 16, 16]), TensorShape([20]))
    """

    def __init__(self, *, aligned: bool, sigma: float = SIGMAS[0]):
        self.aligned = aligned
        self.sigma = sigma

    def _filtered(self, images, reconstructions) -> tf.Tensor:
        residuals = images - reconstructions
        fine = gaussian_blur(residuals, sigma=self.sigma)
        if not self.aligned:
            return fine
        return fine - gaussian_blur(residuals, sigma=4.0 * self.sigma)

    def fit(
        self, pairs: Iterable[tuple[tf.Tensor, tf.Tensor]]
    ) -> ResidualStatistics:
        """Fits to qualified images, one batch at a time.

        Args:
            pairs: Batches of images and of their reconstructions, float32 of
                shape (batch, height, width, channels).

        Returns:
            The statistics themselves.
        """
        count, total, squares = 0, 0.0, 0.0
        for images, reconstructions in pairs:
            filtered = self._filtered(images, reconstructions)
            residuals = np.asarray(filtered, np.float64)
            count += len(residuals)
            total = total + residuals.sum(axis=0)
            squares = squares + np.square(residuals).sum(axis=0)
        self.location_, self.scale_ = self._moments(
            total / count, squares / count
        )
        return self

    def _moments(self, mean, mean_square) -> tuple[np.ndarray, np.ndarray]:
        if not self.aligned:
            scale = np.sqrt(mean_square.mean()) + 1e-6
            return np.zeros_like(mean, np.float32), np.full_like(
                mean, scale, np.float32
            )
        deviation = np.sqrt(np.maximum(mean_square - mean**2, 0.0))
        # A tenth of the mean deviation, so that rounding at constant pixels
        # is no defect.
        scale = deviation + 0.1 * deviation.mean() + 1e-6
        return mean.astype(np.float32), scale.astype(np.float32)

    def anomaly_maps(
        self, images: tf.Tensor, reconstructions: tf.Tensor
    ) -> tf.Tensor:
        """How unusual the residual of each pixel is.

        Args:
            images: float32 of shape (batch, height, width, channels).
            reconstructions: float32 of the same shape.

        Returns:
            maps: float32 of shape (batch, height, width): absolute residuals
                in standard deviations of qualified ones, the largest channel.
        """
        filtered = self._filtered(images, reconstructions)
        scaled = tf.abs(filtered - self.location_) / self.scale_
        return tf.reduce_max(scaled, axis=-1)

    def reconstruction_errors(self, maps: tf.Tensor) -> tf.Tensor:
        """Mean of the largest hundredth of each anomaly map: (batch,)."""
        return mean_of_largest(
            tf.reshape(maps, [-1, maps.shape[1] * maps.shape[2]])
        )


def explained_variances(
    pairs: Iterable[tuple[tf.Tensor, tf.Tensor]],
) -> dict[float, float]:
    """How much of qualified images the reconstructions follow, by scale.

    Args:
        pairs: Batches of held-out qualified images and of their
            reconstructions, float32 of shape (batch, height, width, channels).

    Returns:
        shares: For each of `SIGMAS`, the share of the images' variance about
            their mean image that is explained in the octave from that sigma
            to twice of it: 1 is all of it.
    """
    count = 0
    sums = {sigma: [0.0, 0.0, 0.0] for sigma in SIGMAS}
    for images, reconstructions in pairs:
        count += len(images)
        for sigma, moments in sums.items():
            band = np.asarray(_octave(images, sigma), np.float64)
            rest = np.asarray(_octave(images - reconstructions, sigma))
            moments[0] = moments[0] + band.sum(axis=0)
            moments[1] += np.square(band).sum()
            moments[2] += np.square(rest, dtype=np.float64).sum()
    return {
        sigma: float(1 - rest / (squares - np.square(total).sum() / count))
        for sigma, (total, squares, rest) in sums.items()
    }


def _octave(images: tf.Tensor, sigma: float) -> tf.Tensor:
    fine = gaussian_blur(images, sigma=sigma)
    return fine - gaussian_blur(images, sigma=2.0 * sigma)


def choose_sigma(shares: dict[float, float]) -> float:
    """The finest scale that is explained well enough; else the coarsest.

    Example:
    >>> choose_sigma({1.0: 0.8, 2.0: 0.98, 4.0: 0.99})
    2.0
    """
    for sigma, share in shares.items():
        if share >= MIN_EXPLAINED:
            return sigma
    return max(shares)
