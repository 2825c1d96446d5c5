"""Band energies: the local energies of a texture's detail at each scale."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import tensorflow as tf

from ganad_tf.detector.residual_statistics import gaussian_blur
from ganad_tf.detector.residual_statistics import mean_of_largest

BAND_SIGMAS = (1.0, 2.0, 4.0, 8.0)
WINDOW_SIGMA = 4.0
MIN_ENERGY = 1e-5
PRIOR_IMAGES = 10
_SAMPLE_STRIDE = 4


class BandStatistics:
    """Local band energies of qualified textures, to which others are compared.

    A texture is known by how much detail of each scale there is, not by its
    pixels. The bands are differences of Gaussians, the levels of a Laplacian
    pyramid (Burt & Adelson 1983) at full resolution. At each pixel, the
    logarithms of their mean squares in a Gaussian window and the local mean,
    all relative to the image's own median, have a Mahalanobis distance to
    those of qualified images, and that is relative to their distances at the
    same pixel: near the borders, where blurs see less, it varies more.

    Attributes:
        location_: float32 of shape (num_bands + 1,).
        whitening_: float32 of shape (num_bands + 1, num_bands + 1).
        level_: float32 of shape (height, width), root mean square distance of
            qualified images, as if `PRIOR_IMAGES` more had the mean of all
            pixels.

    Example:
    >>> noise = np.random.default_rng(0).normal(size=(20, 32, 32, 1))
    >>> images = (0.1 * noise).astype("float32")
    >>> statistics = BandStatistics().fit([images])
    >>> maps = statistics.anomaly_maps(images)
    >>> maps.shape, statistics.band_energies(maps).shape
    (TensorShape([20, 32, 32]), TensorShape([20]))
    """

    def _features(self, images: tf.Tensor) -> tf.Tensor:
        """(batch, height, width, num_bands + 1), each with median 0."""
        gray = tf.reduce_mean(images, axis=-1, keepdims=True)
        levels = [gray] + [gaussian_blur(gray, sigma=s) for s in BAND_SIGMAS]
        bands = tf.concat([a - b for a, b in pairwise(levels)], axis=-1)
        energies = gaussian_blur(bands**2, sigma=WINDOW_SIGMA)
        means = gaussian_blur(gray, sigma=WINDOW_SIGMA)
        features = tf.concat([tf.math.log(energies + MIN_ENERGY), means], -1)
        return features - _medians(features)

    def fit(self, batches: Iterable[tf.Tensor]) -> BandStatistics:
        """Fits to qualified images, one batch at a time.

        Args:
            batches: float32 of shape (batch, height, width, channels).
                Iterated over twice.

        Returns:
            The statistics themselves.
        """
        self._fit_features(batches)
        count, squares = 0, 0.0
        for images in batches:
            distances = np.asarray(self._distances(images), np.float64)
            count += len(distances)
            squares = squares + np.square(distances).sum(axis=0)
        squares += PRIOR_IMAGES * squares.mean() / count
        self.level_ = np.sqrt(squares / (count + PRIOR_IMAGES)).astype(
            np.float32
        )
        return self

    def _fit_features(self, batches: Iterable[tf.Tensor]) -> None:
        count, total, products = 0, 0.0, 0.0
        for images in batches:
            features = np.asarray(self._features(images), np.float64)
            features = features.reshape(-1, features.shape[-1])
            count += len(features)
            total = total + features.sum(axis=0)
            products = products + features.T @ features
        mean = total / count
        covariance = products / count - np.outer(mean, mean)
        values, vectors = np.linalg.eigh(covariance)
        roots = np.sqrt(np.maximum(values, 1e-6))
        self.location_ = mean.astype(np.float32)
        self.whitening_ = ((vectors / roots) @ vectors.T).astype(np.float32)

    def _distances(self, images: tf.Tensor) -> tf.Tensor:
        offsets = self._features(images) - self.location_
        return tf.norm(tf.matmul(offsets, self.whitening_), axis=-1)

    def anomaly_maps(self, images: tf.Tensor) -> tf.Tensor:
        """How unusual the local energies are.

        Args:
            images: float32 of shape (batch, height, width, channels).

        Returns:
            maps: float32 of shape (batch, height, width), Mahalanobis
                distances over those of qualified images at each pixel.
        """
        return self._distances(images) / self.level_

    def band_energies(self, maps: tf.Tensor) -> tf.Tensor:
        """Mean of the largest hundredth of each anomaly map: (batch,)."""
        return mean_of_largest(
            tf.reshape(maps, [-1, maps.shape[1] * maps.shape[2]])
        )


def _medians(features: tf.Tensor) -> tf.Tensor:
    """Medians over the pixels of each image, of a regular sample of them."""
    sample = features[:, ::_SAMPLE_STRIDE, ::_SAMPLE_STRIDE]
    _, height, width, count = sample.shape
    flat = tf.sort(tf.reshape(sample, [-1, height * width, count]), axis=1)
    return flat[:, None, None, height * width // 2]
