"""Measures that turn the paper's figures into numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import distance
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from ganad_tf.detector.latent_statistics import LatentGaussian
from ganad_tf.evaluation.metrics import auroc

NUM_RESAMPLES = 100


def nearest_neighbour_accuracy(
    real: np.ndarray, generated: np.ndarray
) -> tuple[float, float]:
    """How often an image's nearest neighbour is of its own kind.

    The leave-one-out accuracies of the two-sample 1-nearest-neighbour test
    (Lopez-Paz & Oquab 2017), of each kind by itself: a set in the middle of the
    other scores 1 and the other 0, which a mean would hide. Both are 0.5 where
    the sets cannot be told apart, 1 where they are separate, below 0.5 where
    one copies the other.

    Args:
        real: Floats of shape (n, ...).
        generated: Floats of shape (n, ...), as many.

    Returns:
        of_real: In [0, 1].
        of_generated: In [0, 1].

    Example:
    >>> near, far = np.arange(4.0)[:, None], np.arange(90.0, 94.0)[:, None]
    >>> nearest_neighbour_accuracy(near, far)
    (1.0, 1.0)
    """
    points = np.concatenate([real, generated]).reshape(
        len(real) + len(generated), -1
    )
    kinds = np.arange(len(points)) < len(real)
    index = NearestNeighbors(n_neighbors=1).fit(points)
    nearest = index.kneighbors(return_distance=False)[:, 0]
    alike = kinds[nearest] == kinds
    return float(alike[kinds].mean()), float(alike[~kinds].mean())


def farthest_pair(images: np.ndarray) -> tuple[int, int]:
    """The two images that differ most, by their pixels.

    Args:
        images: Floats of shape (n, ...), n at least 2.

    Returns:
        pair: Their rows, the lower one first.

    Example:
    >>> farthest_pair(np.array([[0.0], [5.0], [-3.0]]))
    (1, 2)
    """
    distances = distance.pdist(images.reshape(len(images), -1))
    rows = np.triu_indices(len(images), 1)
    return tuple(int(row[distances.argmax()]) for row in rows)


class Smoothness(NamedTuple):
    """How smooth a path of images is."""

    changes: np.ndarray  # (n - 1,) root mean squared change of each step
    largest_step: float  # largest change over the mean change; 1 is even
    detour: float  # length of the path over the distance of its ends, >= 1
    dip: float  # how far the lowest score lies below the lower end's, >= 0


def smoothness(images: np.ndarray, scores: np.ndarray) -> Smoothness:
    """Measures an interpolation.

    Args:
        images: Floats of shape (n, height, width, channels), n at least 2.
        scores: Floats of shape (n,), the discriminator's; high means real.

    Returns:
        smoothness: `Smoothness`.

    Example:
    >>> path = np.linspace(0.0, 1.0, 5).reshape(5, 1, 1, 1)
    >>> smooth = smoothness(path, np.array([1.0, 2.0, 0.5, 2.0, 3.0]))
    >>> numbers = (smooth.largest_step, smooth.detour, smooth.dip)
    >>> [round(value, 6) for value in numbers]
    [1.0, 1.0, 0.5]
    """
    flat = np.reshape(images, [len(images), -1]).astype(np.float64)
    scale = np.sqrt(flat.shape[1])
    changes = np.linalg.norm(np.diff(flat, axis=0), axis=1) / scale
    direct = np.linalg.norm(flat[-1] - flat[0]) / scale
    return Smoothness(
        changes=changes,
        largest_step=float(changes.max() / max(changes.mean(), 1e-12)),
        detour=float(changes.sum() / max(direct, 1e-12)),
        dip=float(max(min(scores[0], scores[-1]) - min(scores), 0.0)),
    )


class SetDistance(NamedTuple):
    """Fréchet distance of a set, beside qualified images of equal number.

    Each figure is (median, low end, high end) over resamples: the interval
    holds 95 % of them.
    """

    name: str
    num_images: int  # drawn of the set and of the qualified images alike
    distance: tuple[float, float, float]
    qualified: tuple[float, float, float]
    ratio: tuple[float, float, float]
    auroc: float  # of the set's single images against the qualified ones


def set_distance(
    name: str,
    reference: LatentGaussian,
    latents: np.ndarray,
    qualified: np.ndarray,
    *,
    seed: int,
) -> SetDistance:
    """Compares the distance of a set with that of held-out qualified images.

    The Fréchet distance is biased upwards for few images, so both are drawn
    in equal numbers, with replacement.

    Args:
        name: Of the set.
        reference: Fitted to latents of training images.
        latents: Floats of shape (n, dim), of the set.
        qualified: Floats of shape (m, dim), of held-out qualified images.
        seed: Of the resampling.

    Returns:
        distance: `SetDistance` with min(n, m) images.
    """
    generator = np.random.default_rng(seed)
    count = min(len(latents), len(qualified))

    def drawn(points):
        rows = generator.integers(len(points), size=[NUM_RESAMPLES, count])
        return np.array([reference.frechet_distance(points[r]) for r in rows])

    with threadpool_limits(1):  # matrices so small lose by sharing
        of_set, of_qualified = drawn(latents), drawn(qualified)
    # The distance compares sets; this says whether single images differ, too.
    labels = np.repeat([0, 1], [len(qualified), len(latents)])
    scores = reference.frechet_scores(np.concatenate([qualified, latents]))
    return SetDistance(
        name,
        count,
        _summary(of_set),
        _summary(of_qualified),
        _summary(of_set / (of_qualified + 1e-12)),
        auroc(labels, scores),
    )


def _summary(values: np.ndarray) -> tuple[float, float, float]:
    return tuple(float(v) for v in np.quantile(values, [0.5, 0.025, 0.975]))
