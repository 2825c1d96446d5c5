"""Residuals, how large they are on qualified images, and the anomaly map."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from scipy import ndimage

FINE_SIGMA = 1.0
COARSE_SIGMA = 4.0
# The error of an image is the mean of its largest residuals: 1 % of pixels.
TOP_SHARE = 0.01


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
    rows = tf.constant(_gaussian_matrix(height, sigma))
    columns = tf.constant(_gaussian_matrix(width, sigma))
    return tf.einsum("ih,nhwc,jw->nijc", rows, images, columns)


class ResidualStatistics:
    """Mean and deviation of qualified residuals, which scale new ones.

    Parts that lie in the same place in every image (`aligned`) have residuals
    with a mean and deviation of their own at each pixel, and the residual is
    band-passed so that brightness does not count. Textures have one
    deviation for all pixels.

    Args:
        aligned: Whether every image shows the same part in the same place.

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

    def __init__(self, *, aligned: bool):
        self.aligned = aligned

    def _filtered(self, images, reconstructions) -> tf.Tensor:
        residuals = images - reconstructions
        fine = gaussian_blur(residuals, sigma=FINE_SIGMA)
        if not self.aligned:
            return fine
        return fine - gaussian_blur(residuals, sigma=COARSE_SIGMA)

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
        # A tenth of the mean deviation keeps constant pixels from shouting.
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
        pixels = tf.reshape(maps, [-1, maps.shape[1] * maps.shape[2]])
        largest = tf.math.top_k(
            pixels, max(round(TOP_SHARE * pixels.shape[1]), 1), sorted=False
        )
        return tf.reduce_mean(largest.values, axis=1)
