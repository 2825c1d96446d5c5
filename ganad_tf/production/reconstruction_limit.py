"""Whether the networks still reconstruct new good images.

Calibration moves the threshold to where new good images are. What the networks
miss alike in all of them, such as a gray level that they never saw, new
reference statistics take away. What they miss otherwise in each image stays,
and defects hide in it. The limit looks at qualified images alone.
"""

from __future__ import annotations

import copy

import numpy as np
import scipy.stats
import tensorflow as tf
from absl import logging

from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.errors import UserError
from ganad_tf.score_parts import RESIDUAL

# Times that the residual may have grown: beyond it, a defect has to be more
# than twice as strong as before to stand out of it.
LIMIT = 2.0
# Chance of refusing images whose median residual is at the limit or below.
LEVEL = 0.01


def check(
    detector: OneClassDetector, residuals: np.ndarray, *, statistics: bool
) -> dict[str, float]:
    """Refuses images that the networks no longer reconstruct.

    Residuals are taken around their own mean image, measured as
    `reconstruction_error` is, and compared with the median of the earlier
    calibration images. A sign test refuses if significantly more than half of
    the images have more than `LIMIT` times that.

    Args:
        detector: Fitted, as the training data gave it.
        residuals: float32 of shape (n, height, width, channels), of new good
            images at the size that the GAN models.
        statistics: Whether new reference statistics are fitted, too.

    Returns:
        ratios: Median residuals in medians of the earlier calibration: "total"
            and "around_their_mean". Empty where the residual is no part of the
            score.

    Raises:
        UserError: If the networks no longer reconstruct them.
    """
    if RESIDUAL.field not in detector.parts:
        return {}
    total = _ratios(detector, residuals, detector.residual_statistics_)
    recentred = copy.copy(detector.residual_statistics_)
    recentred.location_ = residuals.mean(axis=0)
    around = _ratios(detector, residuals, recentred)
    _refuse(around)
    ratios = {
        "total": float(np.median(total)),
        "around_their_mean": float(np.median(around)),
    }
    if ratios["total"] > LIMIT and not statistics:
        logging.warning(
            "The residual of these images is %.2g times that of the earlier "
            "calibration images, most of it the same in all images. Defects "
            "may hide in it: --statistics takes it away, and needs about 80 "
            "images for alpha 0.05.",
            ratios["total"],
        )
    return ratios


def _ratios(detector, residuals: np.ndarray, statistics) -> np.ndarray:
    """Residuals of images, in medians of the earlier calibration images."""
    maps = statistics.anomaly_maps(residuals, tf.zeros_like(residuals))
    errors = np.asarray(statistics.reconstruction_errors(maps), np.float64)
    column = detector.parts.index(RESIDUAL.field)
    return errors / np.exp(detector.fusion_.location_[column])


def _refuse(ratios: np.ndarray) -> None:
    count = int(np.sum(ratios > LIMIT))
    test = scipy.stats.binomtest(count, len(ratios), alternative="greater")
    if test.pvalue <= LEVEL:
        raise UserError(
            "The networks no longer reconstruct these images: their median "
            f"residual is {np.median(ratios):.2g} times that of the earlier "
            f"calibration images. Expected at most {LIMIT:g} times; {count} of "
            f"{len(ratios)} images have more. A new calibration would hide "
            "defects: undo the change of camera or light, or train again from "
            "these networks (train_gan.py --data=<new images> --init_from="
            "<this model> --model_dir=<new model>)"
        )
