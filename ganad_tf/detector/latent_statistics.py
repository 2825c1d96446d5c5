"""Gaussians of latents, and the Fréchet distance between them."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from ganad_tf.detector.latent_moments import LatentMoments
from ganad_tf.errors import UserError

# Latents have a prior of unit deviation: what is below this is rounding.
MIN_DEVIATION = 1e-3


def frechet_distance(
    mean_1: np.ndarray,
    covariance_1: np.ndarray,
    mean_2: np.ndarray,
    covariance_2: np.ndarray,
) -> float:
    """Squared Fréchet (2-Wasserstein) distance between two Gaussians.

    `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1^(1/2) C2 C1^(1/2))^(1/2))`, equation (4)
    of Dowson & Landau (1982), in float64 by symmetric eigendecompositions, so
    that singular covariances are no special case.

    Args:
        mean_1: Floats of shape (dim,).
        covariance_1: Floats of shape (dim, dim), positive semi-definite.
        mean_2: Floats of shape (dim,).
        covariance_2: Floats of shape (dim, dim), positive semi-definite.

    Returns:
        distance: At least 0; in squared units of the latents.

    Raises:
        ValueError: If the shapes do not fit together.

    Reference:
        Dowson & Landau, "The Fréchet distance between multivariate normal
        distributions", Journal of Multivariate Analysis 12(3), 1982.

    Example:
    >>> mean, covariance = np.zeros(3), np.eye(3)
    >>> round(frechet_distance(mean, covariance, mean + 2, 4 * covariance), 6)
    15.0
    """
    root = _square_root(_check_moments(mean_1, covariance_1))
    product = root @ _check_moments(mean_2, covariance_2) @ root
    eigenvalues = scipy.linalg.eigvalsh((product + product.T) / 2)
    cross = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    shift = np.asarray(mean_1, np.float64) - np.asarray(mean_2, np.float64)
    spread = np.trace(covariance_1) + np.trace(covariance_2)
    return max(float(shift @ shift + spread - 2.0 * cross), 0.0)


def _check_moments(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    covariance = np.asarray(covariance, np.float64)
    if covariance.shape != (np.size(mean), np.size(mean)):
        raise ValueError(
            "A Gaussian's mean and covariance do not fit. Expected shapes "
            f"(dim,) and (dim, dim). Received: {np.shape(mean)} and "
            f"{covariance.shape}"
        )
    return covariance


def _square_root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root; eigenvalues below 0 are rounding errors."""
    values, vectors = scipy.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


class LatentGaussian:
    """The Gaussian of the latents of qualified images: the reference.

    With `whiten`, distances are taken in the space in which the reference has
    unit covariance: there a step along a direction in which qualified images
    hardly vary weighs as much as their own spread. Without, they are taken in
    the latents' own space, as in Lai et al. (2018).

    Args:
        whiten: Whether distances are taken in the whitened space.

    Attributes:
        location_: float64 of shape (dim,), the mean.
        covariance_: float64 of shape (dim, dim), shrunk towards its own
            diagonal after Ledoit & Wolf (2004), so that it is regular with
            fewer latents than dimensions.
        whitening_: float64 of shape (dim, dim), `covariance_^(-1/2)`; the
            identity without `whiten`.
        num_latents_: How many latents the Gaussian was fitted to.

    Example:
    >>> latents = np.random.default_rng(0).normal(size=(50, 4))
    >>> reference = LatentGaussian().fit(latents)
    >>> reference.frechet_scores(latents).shape
    (50,)
    >>> reference.frechet_distance(latents) < 1
    True
    """

    def __init__(self, *, whiten: bool = True):
        self.whiten = whiten

    def fit(self, latents: np.ndarray) -> LatentGaussian:
        """Fits mean and covariance.

        Args:
            latents: Floats of shape (n, dim), n at least 2.

        Returns:
            The Gaussian itself.

        Raises:
            ValueError: If there are fewer than two latents.
            UserError: If some are not finite.
        """
        latents = check_latents(latents, at_least=2)
        return self.fit_moments(LatentMoments(latents.shape[1]).update(latents))

    def fit_moments(self, moments: LatentMoments) -> LatentGaussian:
        """Fits mean and covariance to latents of which the sums are known.

        Args:
            moments: Of at least 2 latents.

        Returns:
            The Gaussian itself.

        Raises:
            ValueError: If there are fewer than two latents.
        """
        if moments.count < 2:
            raise ValueError(
                "Expected the moments of at least 2 latents. Received: those "
                f"of {moments.count}"
            )
        self.location_ = moments.mean
        # Ledoit & Wolf shrink towards a multiple of the identity. Of the
        # correlation that is towards the own diagonal: scales are kept.
        variances = np.maximum(np.diagonal(moments.covariance), 0.0)
        deviations = np.maximum(np.sqrt(variances), MIN_DEVIATION)
        correlation = moments.shrunk_correlation(deviations)
        self.covariance_ = correlation * np.outer(deviations, deviations)
        self.num_latents_ = moments.count
        self.whitening_ = self._whitening()
        return self

    def _whitening(self) -> np.ndarray:
        if not self.whiten:
            return np.eye(len(self.location_))
        values, vectors = scipy.linalg.eigh(self.covariance_)
        # A direction without any spread would make all distances infinite.
        values = np.maximum(values, values.max() * 1e-9 + 1e-12)
        return (vectors / np.sqrt(values)) @ vectors.T

    def squared_mahalanobis(self, latents: np.ndarray) -> np.ndarray:
        """Squared distances of latents to the mean, whitened if asked for.

        Args:
            latents: Floats of shape (n, dim).

        Returns:
            distances: float64 of shape (n,).
        """
        offsets = np.asarray(latents, np.float64) - self.location_
        return np.square(offsets @ self.whitening_).sum(axis=1)

    @property
    def spread_(self) -> float:
        """Trace of the reference's covariance in the space of distances."""
        return float(
            np.trace(self.whitening_ @ self.covariance_ @ self.whitening_)
        )

    def frechet_scores(self, latents: np.ndarray) -> np.ndarray:
        """Squared Fréchet distance of each image to the reference.

        One image has one latent, a Gaussian without spread, for which the
        distance of Dowson & Landau is `|w - m|^2 + tr(C)`.

        Args:
            latents: Floats of shape (n, dim).

        Returns:
            scores: float64 of shape (n,); higher is more anomalous.
        """
        return self.squared_mahalanobis(latents) + self.spread_

    def frechet_distance(self, latents: np.ndarray) -> float:
        """Squared Fréchet distance of a set of images to the reference.

        The set's covariance is its plain maximum-likelihood estimate. Its
        rank is below n, so the trace of the square root is taken exactly as
        the nuclear norm of an (n, dim) matrix. The distance is biased upwards
        for small n: compare sets of equal n.

        Args:
            latents: Floats of shape (n, dim), n at least 1.

        Returns:
            distance: At least 0.

        Raises:
            ValueError: If there are no latents.
            UserError: If some are not finite.
        """
        latents = check_latents(latents, at_least=1)
        points = (latents - self.location_) @ self.whitening_
        mean = points.mean(axis=0)
        centred = (points - mean) / np.sqrt(len(points))
        # tr((A B)^(1/2)) of the covariances A = X'X of the set and B of the
        # reference is the sum of the singular values of X B^(1/2).
        root = _square_root(
            self.whitening_ @ self.covariance_ @ self.whitening_
        )
        cross = scipy.linalg.svdvals(centred @ root).sum()
        spread = np.square(centred).sum() + self.spread_
        return max(float(mean @ mean + spread - 2.0 * cross), 0.0)


def check_latents(latents: np.ndarray, *, at_least: int) -> np.ndarray:
    """Checks latents.

    Args:
        latents: Floats of shape (n, dim).
        at_least: Least n.

    Returns:
        latents: The same as an array of floats.

    Raises:
        ValueError: If there are fewer, or the shape is another.
        UserError: If the inversion has diverged.
    """
    latents = np.asarray(latents)
    if latents.ndim != 2 or len(latents) < at_least:
        raise ValueError(
            "Invalid shape for argument `latents`. Expected (n, dim) with n "
            f"at least {at_least}. Received: latents.shape={latents.shape}"
        )
    if not np.isfinite(latents).all():
        raise UserError(
            "Invalid value for argument `latents`. Expected finite numbers. "
            f"Received: {np.sum(~np.isfinite(latents))} that are not: the "
            "inversion has diverged; lower its learning rate"
        )
    return latents
