"""Moments of latents as sums, from which a shrunk covariance follows.

Sums can be accumulated in any order and in parts, and added up, so millions of
latents need no more memory than one batch.
"""

from __future__ import annotations

import numpy as np

_ROWS = 1024  # latents that are worked on at once


class LatentMoments:
    """Sums of the products of latents and of their squares.

    With y = (1, x, x^2), of length 2 dim + 1, they are Y'Y. It holds what
    Ledoit & Wolf (2004) need besides mean and covariance: the sum of the
    fourth powers of the distances to any point, in any scale of the axes.

    Args:
        dim: Length of the latents.

    Attributes:
        dim: As given.
        sums: float64 of shape (2 dim + 1, 2 dim + 1), Y'Y.

    Reference:
        Ledoit & Wolf, "A well-conditioned estimator for large-dimensional
        covariance matrices", Journal of Multivariate Analysis 88(2), 2004.

    Example:
    >>> latents = np.random.default_rng(0).normal(size=(50, 4))
    >>> moments = LatentMoments(4).update(latents)
    >>> bool(np.allclose(moments.mean, latents.mean(axis=0)))
    True
    """

    def __init__(self, dim: int):
        self.dim = dim
        self.sums = np.zeros([2 * dim + 1, 2 * dim + 1])

    def update(self, latents: np.ndarray) -> LatentMoments:
        """Adds latents.

        Args:
            latents: Finite floats of shape (n, dim).

        Returns:
            The moments themselves.
        """
        for start in range(0, len(latents), _ROWS):
            rows = np.asarray(latents[start : start + _ROWS], np.float64)
            ones = np.ones([len(rows), 1])
            powers = np.concatenate([ones, rows, rows**2], axis=1)
            self.sums += powers.T @ powers
        return self

    def merge(self, other: LatentMoments) -> LatentMoments:
        """Adds the sums of other latents, of the same length.

        Args:
            other: Their moments.

        Returns:
            The moments themselves.
        """
        self.sums += other.sums
        return self

    @property
    def count(self) -> int:
        """How many latents there are."""
        return round(self.sums[0, 0])

    @property
    def mean(self) -> np.ndarray:
        """float64 of shape (dim,)."""
        return self.sums[0, 1 : self.dim + 1] / self.sums[0, 0]

    @property
    def covariance(self) -> np.ndarray:
        """float64 of shape (dim, dim), of maximum likelihood."""
        own = slice(1, self.dim + 1)
        second = self.sums[own, own] / self.sums[0, 0]
        return second - np.outer(self.mean, self.mean)

    def shrunk_correlation(self, deviations: np.ndarray) -> np.ndarray:
        """Covariance of scaled latents, shrunk to a multiple of the identity.

        Args:
            deviations: float64 of shape (dim,), above 0: what each latent is
                divided by.

        Returns:
            correlation: float64 of shape (dim, dim).
        """
        correlation = self.covariance / np.outer(deviations, deviations)
        variance = np.trace(correlation) / self.dim
        squares = np.square(correlation).sum()
        distance = squares - self.dim * variance**2
        fourth = self._fourth_powers(1.0 / deviations**2) / self.count
        noise = min((fourth - squares) / self.count, distance)
        # Both are 0 where all latents are equal, but for rounding.
        share = noise / distance if noise > 0.0 else 0.0
        identity = np.eye(self.dim)
        return (1.0 - share) * correlation + share * variance * identity

    def _fourth_powers(self, weights: np.ndarray) -> float:
        """Sum of (sum_i w_i (x_i - mean_i)^2)^2 over the latents."""
        mean = self.mean
        form = np.concatenate(
            [[weights @ mean**2], -2.0 * weights * mean, weights]
        )
        return float(form @ self.sums @ form)
