"""Principal components of images that come in batches, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

# Directions beyond those that are asked for, and passes over the images: both
# bring the found directions closer to the principal ones.
_NUM_MORE = 10
_NUM_PASSES = 6


class PrincipalComponents(NamedTuple):
    """Directions of largest variance, the largest first."""

    mean: np.ndarray  # (dim,)
    directions: np.ndarray  # (dim, rank), orthonormal columns
    variances: np.ndarray  # (rank,), at least 0


def principal_components(
    batches: Iterable[np.ndarray], rank: int, *, seed: int
) -> PrincipalComponents:
    """Finds them by randomised subspace iteration.

    Halko, Martinsson & Tropp 2011, "Finding structure with randomness". Memory
    holds one batch and `rank` directions, whatever the number of rows.

    Args:
        batches: Floats of shape (any, dim); iterated over several times.
        rank: How many; of fewer rows or a smaller dim not more than there are.
        seed: Of the directions to start from.

    Returns:
        components: `PrincipalComponents`, float64.

    Example:
    >>> rows = np.array([[0.0, 0.0], [2.0, 0.1], [4.0, -0.1]])
    >>> found = principal_components([rows[:2], rows[2:]], 1, seed=0)
    >>> found.mean.tolist(), round(float(found.variances[0]), 1)
    ([2.0, 0.0], 4.0)
    """
    count, total = 0, 0.0
    for batch in batches:
        count += len(batch)
        total = total + batch.sum(axis=0, dtype=np.float64)
    mean = total / count
    # n rows have at most n - 1 directions around their mean.
    rank = min(rank, count - 1, len(mean))
    start = np.random.default_rng(seed).normal(
        size=[len(mean), min(rank + _NUM_MORE, len(mean))]
    )
    basis, _ = np.linalg.qr(start)
    for _ in range(_NUM_PASSES):
        basis, _ = np.linalg.qr(_scatter_times(batches, mean, basis))
    scatter = basis.T @ _scatter_times(batches, mean, basis)
    energies, rotation = np.linalg.eigh((scatter + scatter.T) / 2.0)
    largest = slice(None, -rank - 1, -1)
    return PrincipalComponents(
        mean,
        basis @ rotation[:, largest],
        np.maximum(energies[largest], 0.0) / (count - 1),
    )


def _scatter_times(
    batches: Iterable[np.ndarray], mean: np.ndarray, basis: np.ndarray
) -> np.ndarray:
    """The scatter matrix of all rows times a basis, without the matrix."""
    # Products of floats as the rows are: twice as fast.
    mean, narrow = np.float32(mean), np.float32(basis)
    product = np.zeros(basis.shape)
    for batch in batches:
        rows = batch - mean
        product += rows.T @ (rows @ narrow)
    return product
