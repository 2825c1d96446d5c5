"""Out-of-fold scores: each training image as if the others had trained alone.

Images are dealt to folds by their content. Those of a fold are compared with
statistics that were fitted to the other folds, so that a defect among the
training images cannot hide in statistics of its own. The networks have seen it.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats
import tensorflow as tf

from ganad_tf.data import grouping
from ganad_tf.data.listing import ImageFile
from ganad_tf.detector import fitting
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.fusion import power_mean

NUM_FOLDS = 3
# From files to batches of images, as the detector takes them.
Load = Callable[[Sequence[ImageFile]], Iterable[tf.Tensor]]
# Of the distribution of good images' scores: its tail is heavier than a normal
# one, so that the most unusual good images stay.
_DEGREES = 5.0
# Of the power mean of the parts: images below are equally usual.
_LEAST_MEAN = 1e-12


class OutOfFold(NamedTuple):
    """Images of a training set, a row each."""

    files: Sequence[ImageFile]
    scores: np.ndarray  # (n,), higher is more unlike the rest
    p_values: np.ndarray  # (n,), of good images with so high a score
    folds: np.ndarray  # (n,), of `detectors`
    detectors: Sequence[OneClassDetector]  # fitted without the images of a fold

    @property
    def is_outlier(self) -> np.ndarray:
        """Booleans (n,): less than one good image of n has such a score."""
        return self.p_values * len(self.files) < 1.0


def score_out_of_fold(
    detector: OneClassDetector,
    files: Sequence[ImageFile],
    *,
    load: Load,
    seed: int,
) -> OutOfFold:
    """Scores images by statistics that they had no share in.

    Args:
        detector: `OneClassDetector`; its statistics are not looked at.
        files: Training and calibration images, with digests.
        load: Loads images of files.
        seed: Of the folds.

    Returns:
        scored: `OutOfFold`; its detectors have statistics and no calibration.
    """
    folds = _folds(files, seed)
    log_parts = [None] * len(files)
    detectors = []
    for fold in range(NUM_FOLDS):
        fitted = detector.unfitted()
        rows, others = np.flatnonzero(folds == fold), folds != fold
        fitting.fit_statistics(
            fitted, load([files[row] for row in np.flatnonzero(others)])
        )
        batches = load([files[row] for row in rows])
        measured = np.concatenate(
            [fitted.measure_batch(images).log_parts for images in batches]
        )
        for row, values in zip(rows, measured, strict=True):
            log_parts[row] = values
        detectors.append(fitted)
    scores = robust_scores(np.array(log_parts), detector.fusion_.weights)
    return OutOfFold(files, scores, upper_p_values(scores), folds, detectors)


def _folds(files: Sequence[ImageFile], seed: int) -> np.ndarray:
    """Numbers of folds: images of one thing have one."""
    things = grouping.things_of(files)
    hashes = grouping.hashes_of(files, things)
    order = grouping.shuffled(hashes.values(), seed)
    places = {name: place % NUM_FOLDS for place, name in enumerate(order)}
    return np.array([places[hashes[things[file.digest]]] for file in files])


def robust_scores(log_parts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The power mean of the parts, with scales that few defects do not move.

    Its logarithm, since the mean itself is skewed, and a tail of good images
    would look like outliers.

    Args:
        log_parts: Floats of shape (n, num_parts), logarithms of parts.
        weights: Floats of shape (num_parts,), of sum 1.

    Returns:
        scores: float64 of shape (n,), finite.
    """
    standardized = _deviations(log_parts.astype(np.float64)) / 2.0
    means = np.asarray(power_mean(standardized, weights), np.float64)
    return np.log(np.maximum(means, _LEAST_MEAN))


def _deviations(values: np.ndarray) -> np.ndarray:
    """Distances from the median, in deviations by the upper quartile."""
    median, quartile = np.quantile(values, [0.5, 0.75], axis=0)
    deviation = (quartile - median) / scipy.stats.norm.ppf(0.75)
    return (values - median) / np.hypot(deviation, 0.01)


def upper_p_values(scores: np.ndarray) -> np.ndarray:
    """How rarely a good image has so high a score, by the bulk of them.

    Median and upper quartile, which a tenth of defects hardly moves, scale a
    t distribution with 5 degrees of freedom.

    Args:
        scores: Floats of shape (n,), of good images and perhaps some others.

    Returns:
        p_values: float64 of shape (n,).

    Example:
    >>> scores = np.concatenate([np.linspace(0.0, 1.0, 50), [9.0]])
    >>> bool(upper_p_values(scores)[-1] < 0.001 < upper_p_values(scores)[49])
    True
    """
    return scipy.stats.t.sf(_deviations(np.asarray(scores)), _DEGREES)
