"""Baselines: what a user would try first, fitted to qualified images only."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

# Residuals averaged by `pca_reconstruction`, out of 64x64 pixels.
NUM_LARGEST = 40
BAND_SIGMAS = (1.0, 2.0, 4.0, 8.0)
WINDOW_SIGMA = 4.0
_STRIDE = 4


class PixelStatistic:
    """A trivial score: one number of the pixels, nothing to fit.

    Args:
        statistic: From pixels (n, num_pixels) to floats (n,), higher for more
            anomalous.
    """

    def __init__(self, statistic: Callable[[np.ndarray], np.ndarray]):
        self.statistic = statistic

    def fit(self, images: np.ndarray) -> PixelStatistic:
        return self

    def score_samples(self, pixels: np.ndarray) -> np.ndarray:
        return -self.statistic(pixels)


class PCAReconstruction:
    """Residuals of a projection on principal components.

    Args:
        num_components: How many.
        seed: Of the decomposition.
    """

    def __init__(self, num_components: int, *, seed: int):
        self.num_components = num_components
        self.seed = seed

    def fit(self, pixels: np.ndarray) -> PCAReconstruction:
        self.pca_ = PCA(
            self.num_components, svd_solver="full", random_state=self.seed
        ).fit(pixels)
        return self

    def score_samples(self, pixels: np.ndarray) -> np.ndarray:
        projected = self.pca_.inverse_transform(self.pca_.transform(pixels))
        residuals = np.abs(pixels - projected)
        count = max(NUM_LARGEST * residuals.shape[1] // 4096, 1)
        largest = np.partition(residuals, -count, axis=1)[:, -count:]
        return -largest.mean(axis=1)


class LaplacianEnergy:
    """Local energies of the Laplacian bands against those of qualified images.

    At each position, the logarithms of the bands' mean squares in a Gaussian
    window, and the local mean; their Mahalanobis distance to qualified images
    at that position; the largest. No training of networks.
    """

    def fit(self, images: np.ndarray) -> LaplacianEnergy:
        features = np.stack([self._features(image) for image in images])
        self.location_ = features.mean(axis=0)
        offsets = features - self.location_
        covariance = np.einsum("npi,npj->pij", offsets, offsets) / len(images)
        # Half the weight is the pooled covariance: few images are enough.
        covariance = 0.5 * (covariance + covariance.mean(axis=0))
        self.precision_ = np.linalg.inv(
            covariance + 1e-6 * np.eye(covariance.shape[-1])
        )
        return self

    def _features(self, image: np.ndarray) -> np.ndarray:
        """Band energies and mean: (positions, channels * (bands + 1))."""
        levels = [image] + [
            ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="mirror")
            for sigma in BAND_SIGMAS
        ]
        maps = [np.square(a - b) for a, b in itertools.pairwise(levels)]
        window = (WINDOW_SIGMA, WINDOW_SIGMA, 0)
        maps = [ndimage.gaussian_filter(m, window, mode="mirror") for m in maps]
        maps = [np.log(m + 1e-6) for m in maps] + [levels[-1]]
        strided = [m[::_STRIDE, ::_STRIDE] for m in maps]
        stacked = np.concatenate(strided, axis=-1)
        return stacked.reshape(-1, stacked.shape[-1])

    def score_samples(self, images: np.ndarray) -> np.ndarray:
        return np.array([-self._score(image) for image in images])

    def _score(self, image: np.ndarray) -> float:
        offsets = self._features(image) - self.location_
        distances = np.einsum("pi,pij,pj->p", offsets, self.precision_, offsets)
        return float(distances.max())


class Baseline:
    """One adapter for all: fits to images, scores higher for more anomalous.

    Args:
        estimator: With `fit` and scikit-learn's `score_samples`, which is
            higher for more normal; the sign is turned here and nowhere else.
        native: Whether it takes images (n, height, width, channels) at their
            native resolution, instead of flat pixels (n, num_pixels) of
            reduced images.
    """

    def __init__(self, estimator: Any, *, native: bool = False):
        self.estimator = estimator
        self.native = native

    def _estimator_input(self, images: np.ndarray) -> np.ndarray:
        return images if self.native else images.reshape(len(images), -1)

    def fit(self, images: np.ndarray) -> Baseline:
        """Fits to qualified images, floats (n, height, width, channels)."""
        self.estimator.fit(self._estimator_input(images))
        return self

    def anomaly_scores(self, images: np.ndarray) -> np.ndarray:
        """Scores such images: floats (n,), higher is more anomalous."""
        return -self.estimator.score_samples(self._estimator_input(images))


def _pca(num_components: int, num_images: int, seed: int) -> PCA:
    count = max(min(num_components, num_images // 2), 2)
    return PCA(count, whiten=True, random_state=seed)


def make_baselines(*, num_images: int, seed: int) -> dict[str, Baseline]:
    """Builds the baselines, unfitted.

    Args:
        num_images: How many training images there will be; the numbers of
            components are at most half as large.
        seed: Of what is random in them.

    Returns:
        baselines: `gmm`, `one_class_svm`, `lof`, `pca_reconstruction`,
            `laplacian_energy`, and the trivial `darkness` (minus the mean gray
            value), `minimum` (minus the darkest value) and `deviation`.
    """
    neighbors = max(min(20, num_images - 1), 1)
    return {
        "gmm": Baseline(
            make_pipeline(
                _pca(32, num_images, seed),
                GaussianMixture(
                    min(5, max(num_images // 50, 1)),
                    reg_covar=1e-3,
                    random_state=seed,
                ),
            )
        ),
        "one_class_svm": Baseline(
            make_pipeline(_pca(64, num_images, seed), OneClassSVM(nu=0.05))
        ),
        "lof": Baseline(
            make_pipeline(
                _pca(64, num_images, seed),
                LocalOutlierFactor(neighbors, novelty=True),
            )
        ),
        "pca_reconstruction": Baseline(
            PCAReconstruction(max(min(200, num_images // 2), 2), seed=seed)
        ),
        "laplacian_energy": Baseline(LaplacianEnergy(), native=True),
        "darkness": Baseline(PixelStatistic(lambda x: -x.mean(axis=1))),
        "minimum": Baseline(PixelStatistic(lambda x: -x.min(axis=1))),
        "deviation": Baseline(PixelStatistic(lambda x: x.std(axis=1))),
    }
