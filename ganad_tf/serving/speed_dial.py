"""The speed dial: the same GAN with another number of inversion steps."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn import metrics

from ganad_tf.detector.detector import OneClassDetector

NUM_STEPS = (0, 2, 5, 10, 20)


def refit(
    detector: OneClassDetector,
    training_batches: Iterable[tf.Tensor],
    calibration_batches: Iterable[tf.Tensor],
    *,
    num_steps: int,
) -> OneClassDetector:
    """Fits and calibrates a detector anew for a number of inversion steps.

    Scores of different settings are not comparable, so nothing fitted is
    taken over: neither statistics nor calibration.

    Args:
        detector: `OneClassDetector`; stays as it is.
        training_batches: As of `OneClassDetector.fit`.
        calibration_batches: As of `OneClassDetector.fit`.
        num_steps: Steps of the inversion, 0 or more.

    Returns:
        refitted: A detector of the same arguments otherwise.
    """
    config = detector.get_config()
    config["inverter"] = {**config["inverter"], "num_steps": num_steps}
    made = OneClassDetector.from_config(config, detector.gan)
    return made.fit(training_batches, calibration_batches)


def measure(
    detector: OneClassDetector, batches: tf.data.Dataset, labels: np.ndarray
) -> dict[str, Any]:
    """What a setting costs and what it gives.

    Args:
        detector: Fitted `OneClassDetector`.
        batches: Batches of test images, in bounded number.
        labels: Integers of shape (n,), 0 qualified, 1 defective.

    Returns:
        row: "num_steps", "auroc" of the anomaly score, "images_per_second"
            of the second pass, "threshold".
    """
    detector.detect_batches(batches.take(1))
    start = time.perf_counter()
    scores = detector.detect_batches(batches).anomaly_scores
    seconds = time.perf_counter() - start
    return {
        "num_steps": detector.inverter.num_steps,
        "auroc": float(metrics.roc_auc_score(labels, scores)),
        "images_per_second": len(labels) / seconds,
        "threshold": detector.calibrator_.threshold_,
    }
