"""What each number of inversion steps gives (AUROC) and costs (images/s)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganad_tf.benchmark import timing
from ganad_tf.benchmark.trained_model import TrainedModel
from ganad_tf.serving import speed_dial


def measure(
    model: TrainedModel, counts: Sequence[int]
) -> dict[str, timing.Figure]:
    """Measures settings on all test images, each fitted and calibrated again.

    Args:
        model: Trained and fitted model.
        counts: Numbers of inversion steps.

    Returns:
        figures: "auroc", "images_per_second" and "threshold" of each setting.
    """
    labels = np.array([file.label for file in model.split.test])
    figures = {}
    for count in counts:
        row = speed_dial.measure(
            model.refit(count), model.batches(model.split.test), labels
        )
        del row["num_steps"]  # it is in the name
        figures[f"speed dial, {count} steps"] = row
    return figures
