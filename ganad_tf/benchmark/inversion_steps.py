"""What each number of inversion steps gives (AUROC) and costs (images/s)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ganad_tf.benchmark import timing
from ganad_tf.benchmark.trained_model import TrainedModel
from ganad_tf.evaluation import metrics

NUM_STEPS = (0, 2, 5, 10, 20)


def measure(
    model: TrainedModel, counts: Sequence[int]
) -> dict[str, timing.Figure]:
    """Measures settings on all test images, each fitted and calibrated again.

    Args:
        model: Trained and fitted model.
        counts: Numbers of inversion steps.

    Returns:
        figures: Of each setting, "auroc" of the anomaly score,
            "images_per_second" from files to verdicts, and "threshold".
    """
    return {
        f"speed dial, {count} steps": _measure(model, count) for count in counts
    }


def _measure(model: TrainedModel, num_steps: int) -> timing.Figure:
    detector = model.refit(num_steps)
    files = model.split.test
    batches = model.batches(files)
    detector.detect_batches(batches.take(1))  # traces the graph
    start = time.perf_counter()
    scores = detector.detect_batches(batches).anomaly_scores
    seconds = time.perf_counter() - start
    labels = np.array([file.label for file in files])
    return {
        "auroc": metrics.auroc(labels, scores),
        "images_per_second": len(files) / seconds,
        "threshold": detector.calibrator_.threshold_,
    }
