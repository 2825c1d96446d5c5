"""New images, measured once by a detector of earlier days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganad_tf.detector.detector import OneClassDetector


class NewImages(NamedTuple):
    """What an earlier detector says of new images, a row each."""

    anomaly_scores: np.ndarray  # (n,)
    part_scores: np.ndarray  # (n, num_parts), as of `Detection`
    is_defective: np.ndarray  # (n,)
    residuals: np.ndarray  # (n, height, width, channels), of the GAN


def measure(
    detector: OneClassDetector, batches: Iterable[tf.Tensor]
) -> NewImages:
    """Measures images; each is inverted once.

    Args:
        detector: Fitted `OneClassDetector`.
        batches: Of images, as `OneClassDetector.detect` takes them.

    Returns:
        measured: `NewImages`.
    """
    rows = [
        (measures.log_parts, measures.residuals)
        for measures in map(detector.measure_batch, batches)
    ]
    log_parts, residuals = (
        np.concatenate(column) for column in zip(*rows, strict=True)
    )
    return judge(detector, log_parts, residuals)


def judge(
    detector: OneClassDetector, log_parts: np.ndarray, residuals: np.ndarray
) -> NewImages:
    """What a detector says of images that were measured by its statistics.

    Args:
        detector: Fitted `OneClassDetector`.
        log_parts: Floats of shape (n, num_parts), logarithms of parts.
        residuals: Floats of shape (n, height, width, channels).

    Returns:
        measured: `NewImages`.
    """
    scores = detector.fusion_.fuse(log_parts).numpy()
    return NewImages(
        scores,
        detector.fusion_.standardize(log_parts).numpy(),
        detector.calibrator_.is_defective(scores),
        residuals,
    )
