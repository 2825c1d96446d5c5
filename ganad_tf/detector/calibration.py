"""Calibration: from scores to p-values and a threshold, by qualified images."""

from __future__ import annotations

import math

import numpy as np

from ganad_tf.errors import UserError
from ganad_tf.score_parts import UNJUDGED_SCORE

# Scores this close (relative) count as ties, so that rounding on another
# machine or in another batch size cannot change a p-value.
TIE_TOLERANCE = 1e-5


def conformal_p_values(
    calibration_scores: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """How usual each score is among held-out qualified images.

    `(1 + #{calibration scores >= score}) / (n + 1)`, Vovk et al. (2005). If a
    new qualified image is exchangeable with the calibration images, its
    p-value is at most `alpha` with a probability of at most `alpha`.

    Args:
        calibration_scores: Floats of shape (n,), n at least 1, of qualified
            images that nothing was fitted to.
        scores: Floats of shape (m,); higher is more anomalous, and so is
            what is not finite.

    Returns:
        p_values: float64 of shape (m,) in (0, 1]; low is anomalous.

    Raises:
        ValueError: If there are no calibration scores, or one is not finite.

    Example:
    >>> conformal_p_values(np.arange(9.0), np.array([-1.0, 4.0, 99.0])).tolist()
    [1.0, 0.6, 0.1]
    """
    ordered = np.sort(_check_scores(calibration_scores))
    scores = np.where(np.isfinite(scores), scores, UNJUDGED_SCORE)
    lowered = scores - TIE_TOLERANCE * np.abs(scores)
    below = np.searchsorted(ordered, lowered, side="left")
    return (1.0 + len(ordered) - below) / (len(ordered) + 1.0)


def _check_scores(calibration_scores: np.ndarray) -> np.ndarray:
    values = np.asarray(calibration_scores, np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            "Invalid value for argument `calibration_scores`. Expected at "
            "least one score, all finite. Received: "
            f"shape={values.shape}, {np.sum(~np.isfinite(values))} not finite"
        )
    return values


def least_alpha(num_images: int) -> float:
    """The least false-alarm rate that calibration images can promise.

    Args:
        num_images: Calibration images; with groups, one of each.

    Example:
    >>> least_alpha(4)
    0.2
    """
    return 1.0 / (num_images + 1)


def means_without_each(values: np.ndarray) -> np.ndarray:
    """Means of all other images, for each image: scales that it is new to.

    Args:
        values: Floats of shape (n, ...), a row for each image.

    Returns:
        means: float64 of the same shape; of one image alone its own values.

    Example:
    >>> means_without_each(np.array([1.0, 2.0, 6.0])).tolist()
    [4.0, 3.5, 1.5]
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return values
    return (values.sum(axis=0) - values) / (len(values) - 1)


class ConformalCalibrator:
    """Turns anomaly scores into p-values and decisions at level `alpha`.

    Args:
        alpha: False-alarm rate: the share of qualified images that may be
            called defective, in (0, 1).

    Attributes:
        scores_: float64 of shape (n,), the calibration scores in order.
        threshold_: The anomaly score from which on an image is defective:
            the least one whose p-value is at most `alpha`.

    Raises:
        UserError: If `alpha` is not in (0, 1).

    Example:
    >>> calibrator = ConformalCalibrator(alpha=0.1).fit(np.arange(19.0))
    >>> calibrator.p_values(np.array([0.0, 18.5])).tolist()
    [1.0, 0.05]
    >>> calibrator.is_defective(np.array([0.0, 18.5])).tolist()
    [False, True]
    """

    def __init__(self, *, alpha: float = 0.05):
        if not 0.0 < alpha < 1.0:
            raise UserError(
                "Invalid value for argument `alpha`. Expected a false-alarm "
                f"rate between 0 and 1. Received: alpha={alpha}"
            )
        self.alpha = alpha

    def check_enough(self, num_images: int) -> None:
        """Refuses calibration images that are too few to ever reach `alpha`.

        Args:
            num_images: Calibration images. The least p-value of n images is
                `1 / (n + 1)`.

        Raises:
            UserError: If they are too few.
        """
        num_needed = math.ceil(1.0 / self.alpha - 1e-9) - 1
        if num_images < num_needed:
            raise UserError(
                f"Too few calibration images for alpha={self.alpha:g}: the "
                f"least p-value that {num_images} images can give is "
                f"1/({num_images} + 1) = {least_alpha(num_images):.3g}, so "
                "nothing would ever be called defective. Expected at least "
                f"{num_needed} held-out qualified images; add images or "
                "raise alpha"
            )

    def fit(self, scores: np.ndarray) -> ConformalCalibrator:
        """Keeps the scores of held-out qualified images.

        Args:
            scores: Floats of shape (n,).

        Returns:
            The calibrator itself.

        Raises:
            UserError: If there are too few, as of `check_enough`.
        """
        scores = np.sort(_check_scores(scores))
        self.check_enough(len(scores))
        self.scores_ = scores
        # The m-th largest score is tied with, a larger one is not.
        num_above = math.floor(self.alpha * (len(scores) + 1) + 1e-9) - 1
        edge = scores[len(scores) - num_above - 1]
        self.threshold_ = float(edge + 2 * TIE_TOLERANCE * abs(edge))
        return self

    def p_values(self, scores: np.ndarray) -> np.ndarray:
        """Returns the conformal p-values (m,) of scores (m,)."""
        return conformal_p_values(self.scores_, scores)

    def is_defective(self, scores: np.ndarray) -> np.ndarray:
        """Returns booleans (m,): whether the p-value is at most `alpha`."""
        return self.p_values(scores) <= self.alpha + 1e-9
