"""Fusion: one anomaly score of all parts, in which none drowns another."""

from __future__ import annotations

import numpy as np
import scipy.stats
import tensorflow as tf

# Upper quantile that the scale of a part follows. Few unusual images, as the
# calibration may hold, move the quartile less than any quantile further out.
QUARTILE = 0.75
# Quantile of normal parts at which they are 1, and weigh the same.
TAIL = 0.95
_TAIL_IN_QUARTILES = scipy.stats.norm.ppf(TAIL) / scipy.stats.norm.ppf(QUARTILE)
# Least scale of the logarithm of a part.
MIN_SCALE = 0.02
# Exponent of the power mean of the parts: with 1 blind parts drown one that
# sees, with infinity one noisy part drowns all others.
EXPONENT = 3.0


class PartFusion:
    """Standardises the parts of the score, and fuses them.

    A part is standardised by held-out qualified images: the median of its
    logarithm becomes 0; by median and upper quartile, the quantile `TAIL` of a
    normal distribution would become 1. The anomaly score is
    the weighted power mean of the softplus of the standardised parts. Of a
    part that is not unusual next to nothing is left, so it cannot drown one
    that is; there is no threshold at which a part begins to count.

    Args:
        weights: Positive weight of each part.

    Attributes:
        location_: float64 of shape (num_parts,), medians of the logarithms.
        scale_: float64 of shape (num_parts,), from there to where `TAIL` of a
            normal distribution would be.

    Example:
    >>> log_parts = np.random.default_rng(0).normal(size=(40, 2))
    >>> fusion = PartFusion([1.0, 1.0])
    >>> scores = fusion.fit(log_parts)
    >>> bool(fusion.fuse(tf.constant([[0.0, 9.0]]))[0] > scores.max())
    True
    """

    def __init__(self, weights):
        weights = np.asarray(weights, np.float32)
        self.weights = weights / weights.sum()

    def fit(self, log_parts: np.ndarray) -> np.ndarray:
        """Fits to held-out images, and scores each as if it were new.

        A score of calibration is standardised by all *other* images, as in
        the jackknife+ (Barber et al. 2021): a new image has had no share in
        its own scale either. Were they standardised by all, calibration
        images would seem more usual than new ones, and with few of them more
        false alarms were raised than `alpha`.

        Args:
            log_parts: Floats of shape (n, num_parts), logarithms of parts.

        Returns:
            scores: float64 of shape (n,), for conformal calibration.
        """
        log_parts = np.asarray(log_parts, np.float64)
        levels = np.quantile(log_parts, [0.5, QUARTILE], axis=0)
        self.location_, self.scale_ = _location_and_scale(*levels)
        location, scale = self._without_each(log_parts)
        scores = self._fuse_standardized((log_parts - location) / scale)
        return np.asarray(scores, np.float64)

    def _without_each(self, log_parts: np.ndarray):
        """Location and scale by all other images: (n, num_parts) each."""
        if len(log_parts) < 3:
            return self.location_, self.scale_
        levels = (
            _quantiles_without_each(log_parts, level)
            for level in (0.5, QUARTILE)
        )
        return _location_and_scale(*levels)

    def standardize(self, log_parts: tf.Tensor) -> tf.Tensor:
        """How unusual each part is: 0 at the median, 1 at about `TAIL`.

        Args:
            log_parts: Floats of shape (batch, num_parts).

        Returns:
            standardized: float32 of the same shape.
        """
        location = tf.constant(self.location_, tf.float32)
        scale = tf.constant(self.scale_, tf.float32)
        return (tf.cast(log_parts, tf.float32) - location) / scale

    def fuse(self, log_parts: tf.Tensor) -> tf.Tensor:
        """Anomaly scores: how extreme the parts are among qualified images.

        Args:
            log_parts: Floats of shape (batch, num_parts).

        Returns:
            anomaly_scores: float32 of shape (batch,), above 1, so that
                rounding stays small against every score.
        """
        return self._fuse_standardized(self.standardize(log_parts))

    def distances(self, log_parts: tf.Tensor, counted) -> tf.Tensor:
        """Some of the parts in one, relative to those of the median image.

        The logarithm of the distance is the power mean of the standardised
        parts that are counted, times the weighted harmonic mean of their
        scales: a part weighs the more the less it varies among qualified
        images, and none that sees nothing hides one that does.

        Args:
            log_parts: Floats of shape (batch, num_parts).
            counted: Booleans of shape (num_parts,).

        Returns:
            distances: float32 of shape (batch,), at least 1.
        """
        weights = self._weights_of(counted)
        scale = np.float32(1.0 / np.sum(weights / self.scale_))
        return tf.exp(scale * power_mean(self.standardize(log_parts), weights))

    def distances_as_if_new(self, log_parts: np.ndarray, counted) -> np.ndarray:
        """`distances` of the images of the fit, each scaled by the others.

        Args:
            log_parts: Floats of shape (n, num_parts), those of `fit`.
            counted: Booleans of shape (num_parts,).

        Returns:
            distances: float64 of shape (n,), for conformal calibration.
        """
        log_parts = np.asarray(log_parts, np.float64)
        weights = self._weights_of(counted)
        location, scale = self._without_each(log_parts)
        means = power_mean((log_parts - location) / scale, weights)
        scale = 1.0 / np.sum(weights / scale, axis=-1)
        return np.exp(scale * np.asarray(means, np.float64))

    def _weights_of(self, counted) -> np.ndarray:
        weights = self.weights * np.float32(counted)
        return weights / weights.sum()

    def _fuse_standardized(self, standardized) -> tf.Tensor:
        return 1.0 + power_mean(standardized, self.weights)


def power_mean(standardized, weights: np.ndarray) -> tf.Tensor:
    """Weighted power means of parts, of which usual ones hardly count.

    Args:
        standardized: Floats of shape (batch, num_parts), as of `standardize`.
        weights: Floats of shape (num_parts,), of sum 1.

    Returns:
        means: float32 of shape (batch,), above 0.
    """
    standardized = tf.cast(standardized, tf.float32)
    unusual = tf.math.softplus(2.0 * standardized) / 2.0
    powers = tf.linalg.matvec(unusual**EXPONENT, tf.cast(weights, tf.float32))
    return powers ** (1.0 / EXPONENT)


def _location_and_scale(median: np.ndarray, quartile: np.ndarray):
    tail = _TAIL_IN_QUARTILES * (quartile - median)
    # A part that hardly varies gets no say by its rounding.
    return median, np.hypot(tail, MIN_SCALE)


def _quantiles_without_each(values: np.ndarray, level: float) -> np.ndarray:
    """Quantiles of all rows but one, for each row: (n, columns), n above 2."""
    ordered = np.sort(values, axis=0)
    ranks = np.argsort(np.argsort(values, axis=0), axis=0)
    position = level * (len(values) - 2)
    below = int(position)

    def without(index: int) -> np.ndarray:
        """The `index`-th smallest of the other rows."""
        index = min(index, len(values) - 2)
        return np.where(ranks > index, ordered[index], ordered[index + 1])

    share = position - below
    return (1.0 - share) * without(below) + share * without(below + 1)
