"""Conditional Gaussians of a field of features, one for each cell.

What a part as a whole looks like (how bright it is, how it lies) explains much
of each of its cells. So a cell's features are compared with the Gaussian that
they have *given the latent of the whole image*. All statistics are sums over
images, so they can be accumulated in any order, in parts, and added up.
"""

from __future__ import annotations

import copy

import numpy as np
from scipy import ndimage

from ganad_tf.errors import UserError

# Images are dealt to so many folds; each fold's residuals come from the other
# folds, or covariances would be far too small.
NUM_FOLDS = 5
# Ridge penalties of standardised latents, and shares of the common covariance,
# that held-out likelihood chooses from.
RIDGES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
COMMON_SHARES = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
# Deviation, in cells, of the window that a cell's covariance is averaged in.
NEIGHBOUR_SIGMA = 0.8
# Share of a covariance without correlations, of each channel's mean variance.
DIAGONAL_SHARE = 0.01
# Variation below this share of a channel's size is rounding, and no evidence.
ROUNDING = 3e-3
# Of a channel that never varies: the whitening stays within float16.
MIN_DEVIATION = 1e-4
# Cells that the choices look at, evenly spread.
_MAX_CHOICE_CELLS = 256


class ConditionalField:
    """Gaussians of the features of each cell, given the image's latent.

    With z the latent of the image (and a leading 1), the mean of the features
    of cell p is linear in z, by ridge regression:

        B_p = (Z'Z + lambda I)^-1 Z'F_p

    Its covariance C_p is that of out-of-fold residuals, averaged with its
    neighbours', and shrunk to the covariance that all cells have in common.
    The score of a cell is the squared Frechet distance (Dowson & Landau 1982)
    between the image's features, a point mass, and the conditional Gaussian,
    in the space where the Gaussian is white (there it is N(0, I)):

        d^2 = |C_p^-1/2 (f_p - B_p'z)|^2 + tr(I)

    of which the constant tr(I), the number of channels, is left out, so that
    the expected value of a qualified cell is the number of channels.

    Args:
        latent_dim: Length k of the latents.
        first_image: Number of the first image among all of them, where parts
            of them are accumulated apart: numbers deal images to folds.

    Attributes:
        coefficients_: float16 of shape (k + 1, rows, columns, channels), B.
        whitening_: float16 of shape (rows, columns, channels, channels), the
            inverse Cholesky factors W with W C W' = I.
        ridge_: The chosen lambda.
        common_share_: The chosen share of the common covariance, in (0, 1].
        num_images_: How many images were accumulated.

    Example:
    >>> generator = np.random.default_rng(0)
    >>> field = ConditionalField(latent_dim=2)
    >>> latents = generator.normal(size=(60, 2))
    >>> features = generator.normal(size=(60, 4, 4, 3))
    >>> field.update(features, latents).finish().coefficients_.shape
    (3, 4, 4, 3)
    """

    def __init__(self, *, latent_dim: int, first_image: int = 0):
        self.latent_dim = latent_dim
        self.first_image = first_image
        self.num_images_ = 0
        self._sums: list[np.ndarray] | None = None

    def update(
        self, features: np.ndarray, latents: np.ndarray
    ) -> ConditionalField:
        """Adds images to the sums.

        Args:
            features: Floats of shape (n, rows, columns, channels).
            latents: Floats of shape (n, latent_dim).

        Returns:
            The field itself.
        """
        features = np.asarray(features, np.float32)
        design = _with_ones(latents)
        number = self.first_image + self.num_images_
        folds = (number + np.arange(len(features))) % NUM_FOLDS
        if self._sums is None:
            self._sums = _zero_sums(design.shape[1], features.shape[1:])
        for fold in range(NUM_FOLDS):
            chosen = folds == fold
            _add(self._sums, fold, design[chosen], features[chosen])
        self.num_images_ += len(features)
        return self

    def merge(self, other: ConditionalField) -> ConditionalField:
        """Adds the sums of another field over other images.

        The field of the whole is that of its parts, if each part knows its
        `first_image`; it has then the images of all, and no further ones come.
        Parts are added in float64, so that their order does not count.

        Args:
            other: Of the same shapes.

        Returns:
            The field itself.
        """
        if self._sums is None:
            self._sums = copy.deepcopy(other._sums)
        elif other._sums is not None:
            self._sums = [
                np.add(mine, theirs, dtype=np.float64)
                for mine, theirs in zip(self._sums, other._sums, strict=True)
            ]
        self.num_images_ += other.num_images_
        return self

    def finish(self) -> ConditionalField:
        """Makes the Gaussians of the sums, and forgets the sums.

        Returns:
            The fitted field itself.

        Raises:
            UserError: If there were fewer images than folds.
        """
        if self.num_images_ < NUM_FOLDS:
            raise UserError(
                f"Too few training images. Expected at least {NUM_FOLDS} to "
                f"fit the field to; add good images. Received: "
                f"{self.num_images_}"
            )
        design, *large = self._sums
        cross, scatter = (s.astype(np.float32, copy=False) for s in large)
        self._sums = None
        fold_sizes = design[:, 0, 0]  # sums of squared ones
        shape = cross.shape[2:]
        cross = cross.reshape(*cross.shape[:2], -1)
        self.ridge_ = _choose_ridge(design, cross, scatter)
        residuals = _out_of_fold_scatter(design, cross, scatter, self.ridge_)
        # As if each image's features were known up to rounding.
        power = np.diagonal(scatter.sum(axis=0).mean(axis=0))
        noise = ROUNDING**2 * np.diag(power) / self.num_images_
        sizes = fold_sizes[:, None, None, None]
        residuals += (sizes * noise).astype(np.float32)
        self.common_share_ = _choose_common_share(
            residuals, fold_sizes, shape[:2]
        )
        covariances = _shrunk(
            residuals.sum(axis=0) / self.num_images_,
            shape[:2],
            self.common_share_,
        )
        whitening = np.linalg.inv(np.linalg.cholesky(covariances))
        coefficients = _solve(design.sum(0), cross.sum(0), self.ridge_)
        self.whitening_ = whitening.reshape(*shape, -1).astype(np.float16)
        self.coefficients_ = coefficients.reshape(-1, *shape).astype(np.float16)
        return self

    @property
    def num_channels(self) -> int:
        """Channels of the features: what a qualified cell has on average."""
        return self.whitening_.shape[-1]

    def frechet_distances(
        self, features: np.ndarray, latents: np.ndarray
    ) -> np.ndarray:
        """Squared distances of cells to their conditional Gaussians.

        Args:
            features: Floats of shape (n, rows, columns, channels).
            latents: Floats of shape (n, latent_dim).

        Returns:
            distances: float32 of shape (n, rows, columns).
        """
        means = np.tensordot(
            _with_ones(latents), self.coefficients_.astype(np.float32), 1
        )
        offsets = np.asarray(features, np.float32) - means
        whitened = np.einsum(
            "nhwc,hwdc->nhwd", offsets, self.whitening_.astype(np.float32)
        )
        return np.square(whitened).sum(axis=-1)


def _with_ones(latents: np.ndarray) -> np.ndarray:
    latents = np.asarray(latents, np.float32)
    return np.concatenate(
        [np.ones([len(latents), 1], np.float32), latents], axis=1
    )


def _zero_sums(width: int, shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Z'Z, Z'F and F'F of each fold."""
    rows, columns, channels = shape
    return [
        np.zeros([NUM_FOLDS, width, width]),
        np.zeros([NUM_FOLDS, width, *shape], np.float32),
        np.zeros([NUM_FOLDS, rows * columns, channels, channels], np.float32),
    ]


def _add(sums, fold: int, design: np.ndarray, features: np.ndarray) -> None:
    count, rows, columns, channels = features.shape
    cells = features.reshape(count, rows * columns, channels)
    cells = cells.transpose(1, 0, 2)  # (cells, n, channels)
    sums[0][fold] += design.T @ design
    sums[1][fold] += np.tensordot(design.T, features, 1)
    sums[2][fold] += cells.transpose(0, 2, 1) @ cells


def _solve(design, cross, ridge: float) -> np.ndarray:
    """B = (Z'Z + lambda I)^-1 Z'F; the leading 1 is not penalised."""
    penalty = ridge * np.eye(len(design))
    penalty[0, 0] = 1e-6
    return np.linalg.solve(design + penalty, cross).astype(np.float32)


def _others(sums: np.ndarray, fold: int) -> np.ndarray:
    return sums.sum(axis=0) - sums[fold]


def _choose_ridge(design, cross, scatter) -> float:
    """The penalty of the greatest held-out likelihood, channels apart."""
    squares = np.diagonal(scatter, axis1=2, axis2=3).reshape(NUM_FOLDS, -1)

    def cost(ridge: float) -> float:
        total = 0.0
        for fold in range(NUM_FOLDS):
            solution = _solve(
                _others(design, fold), _others(cross, fold), ridge
            )
            fitted = design[fold].astype(np.float32) @ solution
            total += squares[fold] + np.sum(
                solution * (fitted - 2.0 * cross[fold]), axis=0
            )
        return float(np.log(np.maximum(total, 1e-12)).mean())

    return min(RIDGES, key=cost)


def _out_of_fold_scatter(design, cross, scatter, ridge: float) -> np.ndarray:
    """Scatter of residuals by fold: (folds, cells, channels, channels)."""
    residuals = np.empty_like(scatter)
    for fold in range(NUM_FOLDS):
        solution = _solve(_others(design, fold), _others(cross, fold), ridge)
        moment = design[fold].astype(np.float32)
        # E = F'F - B'Z'F - F'ZB + B'Z'ZB, for each cell.
        half = _by_cell(0.5 * moment @ solution - cross[fold], scatter)
        product = _by_cell(solution, scatter).transpose(0, 2, 1) @ half
        residuals[fold] = scatter[fold] + product + product.transpose(0, 2, 1)
    return residuals


def _by_cell(values: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """From (width, cells * channels) to (cells, width, channels)."""
    shape = [len(values), *scatter.shape[1:3]]
    return values.reshape(shape).transpose(1, 0, 2)


def _shrunk(
    covariances: np.ndarray, grid: tuple[int, int], common_share: float
) -> np.ndarray:
    """Covariances (cells, channels, channels), averaged and shrunk."""
    channels = covariances.shape[-1]
    sigma = (NEIGHBOUR_SIGMA, NEIGHBOUR_SIGMA, 0, 0)
    local = ndimage.gaussian_filter(
        covariances.reshape(*grid, channels, channels), sigma, mode="nearest"
    ).reshape(covariances.shape)
    common = covariances.mean(axis=0)
    variances = DIAGONAL_SHARE * np.diagonal(common)
    diagonal = np.diag(variances + MIN_DEVIATION**2)
    return (
        (1.0 - common_share) * local + common_share * common + diagonal
    ).astype(np.float64)


def _choose_common_share(
    residuals: np.ndarray, fold_sizes: np.ndarray, grid: tuple[int, int]
) -> float:
    """The share of the greatest likelihood of each fold by the others."""
    step = max(residuals.shape[1] // _MAX_CHOICE_CELLS, 1)

    def cost(share: float) -> float:
        total = 0.0
        for fold in range(NUM_FOLDS):
            others = _others(residuals, fold) / (
                fold_sizes.sum() - fold_sizes[fold]
            )
            covariances = _shrunk(others, grid, share)[::step]
            held_out = residuals[fold, ::step] / fold_sizes[fold]
            _, logdets = np.linalg.slogdet(covariances)
            fits = np.linalg.solve(covariances, held_out.astype(np.float64))
            total += (logdets + np.trace(fits, axis1=1, axis2=2)).mean()
        return total

    return min(COMMON_SHARES, key=cost)
