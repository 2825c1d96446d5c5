"""Residuals: their size on qualified images, and the anomaly map."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

# The error of an image is the mean of its largest residuals: 1 % of pixels.
TOP_SHARE = 0.01


def mean_of_largest(values: tf.Tensor) -> tf.Tensor:
    """Mean of the largest hundredth of each map, at least of one value.

    Args:
        values: Floats of shape (batch, rows, columns).

    Returns:
        means: Floats of shape (batch,).
    """
    _, rows, columns = values.shape
    count = max(round(TOP_SHARE * rows * columns), 1)
    flat = tf.reshape(values, [-1, rows * columns])
    largest = tf.math.top_k(flat, count, sorted=False)
    return tf.reduce_mean(largest.values, axis=1)


class ResidualMoments:
    """Sums of residuals and of their squares, for each pixel and channel.

    Memory holds one batch, whatever the number of images, and sums of parts
    can be added up.

    Attributes:
        count: How many images there are.
        total: float64 of shape (height, width, channels), 0 at first.
        squares: float64 of the same shape, 0 at first.
    """

    def __init__(self):
        self.count, self.total, self.squares = 0, 0.0, 0.0

    def update(self, images: tf.Tensor, reconstructions: tf.Tensor) -> None:
        """Adds images.

        Args:
            images: float32 of shape (batch, height, width, channels).
            reconstructions: float32 of the same shape.
        """
        residuals = np.asarray(images - reconstructions, np.float64)
        self.count += len(residuals)
        self.total = self.total + residuals.sum(axis=0)
        self.squares = self.squares + np.square(residuals).sum(axis=0)

    def merge(self, other: ResidualMoments) -> ResidualMoments:
        """Adds the sums of other images of the same size.

        Args:
            other: Their moments.

        Returns:
            The moments themselves.
        """
        self.count += other.count
        self.total = self.total + other.total
        self.squares = self.squares + other.squares
        return self


class ResidualStatistics:
    """Mean and deviation of qualified residuals, which scale new ones.

    Each pixel and channel has a mean and deviation of its own.

    Attributes:
        location_: float32 of shape (height, width, channels).
        scale_: float32 of shape (height, width, channels), above 0.

    Example:
    >>> noise = np.random.default_rng(0).normal(size=(20, 16, 16, 1))
    >>> images = noise.astype("float32")
    >>> statistics = ResidualStatistics().fit([(images, 0 * images)])
    >>> maps = statistics.anomaly_maps(images, 0 * images)
    >>> maps.shape, statistics.reconstruction_errors(maps).shape
    (TensorShape([20, 16, 16]), TensorShape([20]))
    """

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
        moments = ResidualMoments()
        for images, reconstructions in pairs:
            moments.update(images, reconstructions)
        return self.fit_moments(moments)

    def fit_moments(self, moments: ResidualMoments) -> ResidualStatistics:
        """Fits to images of which the sums are known.

        Args:
            moments: Of at least one image.

        Returns:
            The statistics themselves.
        """
        mean = moments.total / moments.count
        variance = moments.squares / moments.count - mean**2
        deviation = np.sqrt(np.maximum(variance, 0.0))
        # A tenth of the mean deviation, so that rounding at constant pixels
        # is no defect.
        scale = deviation + 0.1 * deviation.mean() + 1e-6
        self.location_ = mean.astype(np.float32)
        self.scale_ = scale.astype(np.float32)
        return self

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
        residuals = images - reconstructions
        scaled = tf.abs(residuals - self.location_) / self.scale_
        return tf.reduce_max(scaled, axis=-1)

    def reconstruction_errors(self, maps: tf.Tensor) -> tf.Tensor:
        """Mean of the largest hundredth of each map of `anomaly_maps`.

        From (batch, height, width) to (batch,), in standard deviations.
        """
        return mean_of_largest(maps)
