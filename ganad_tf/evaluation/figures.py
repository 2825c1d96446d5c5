"""Figures: score histograms, ROC and precision-recall curves as PNG."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib import colormaps
from sklearn import metrics

from ganad_tf.colors import BASELINE_COLORMAP
from ganad_tf.colors import DEFECTIVE_COLOR
from ganad_tf.colors import QUALIFIED_COLOR
from ganad_tf.evaluation.canvas import encode_png
from ganad_tf.evaluation.canvas import new_figure
from ganad_tf.score_parts import SCORE_PARTS


def roc_png(labels: np.ndarray, scores: dict[str, np.ndarray]) -> bytes:
    """Draws the ROC curve of each method.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective; both occur.
        scores: For each method, floats of shape (n,).

    Returns:
        png: Encoded picture.
    """
    curves = {
        name: metrics.roc_curve(labels, values)[:2]
        for name, values in scores.items()
    }
    return _curves_png(
        curves,
        "overkill rate (qualified images called defective)",
        "detection rate (defective images called defective)",
    )


def precision_recall_png(
    labels: np.ndarray, scores: dict[str, np.ndarray]
) -> bytes:
    """Draws precision over recall of each method.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective; both occur.
        scores: For each method, floats of shape (n,).

    Returns:
        png: Encoded picture.
    """
    curves = {}
    for name, values in scores.items():
        precision, recall, _ = metrics.precision_recall_curve(labels, values)
        curves[name] = recall, precision
    return _curves_png(
        curves,
        "recall (defective images called defective)",
        "precision (images called defective that are)",
    )


def _line_styles(names) -> Iterator[dict]:
    """Solid, thick lines for the parts of our score; dashes for baselines."""
    parts = {part.name: part.color for part in SCORE_PARTS}
    others = iter(colormaps[BASELINE_COLORMAP].colors)
    for name in names:
        if name in parts:
            yield {"color": parts[name], "lw": 2.0, "ls": "-"}
        else:
            yield {"color": next(others, "gray"), "lw": 1.0, "ls": "--"}


def _curves_png(curves: dict[str, tuple], xlabel: str, ylabel: str) -> bytes:
    figure = new_figure(6.0, 4.6)
    axis = figure.subplots()
    styles = _line_styles(curves)
    for (name, (x, y)), style in zip(curves.items(), styles, strict=True):
        axis.plot(x, y, label=name, **style)
    axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(fontsize=8, loc="lower right")
    axis.grid(alpha=0.3)
    return encode_png(figure)


def histogram_png(
    labels: np.ndarray, scores: np.ndarray, threshold: float
) -> bytes:
    """Draws the scores of qualified and defective images, and the threshold.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: Floats of shape (n,).
        threshold: Least score that is called defective.

    Returns:
        png: Encoded picture.
    """
    figure = new_figure(6.0, 3.2)
    axis = figure.subplots()
    bins = np.linspace(scores.min(), scores.max(), 50)
    for label, name, color in (
        (0, "qualified", QUALIFIED_COLOR),
        (1, "defective", DEFECTIVE_COLOR),
    ):
        values = scores[labels == label]
        name = f"{name} ({len(values)})"
        axis.hist(values, bins, alpha=0.6, color=color, label=name)
    axis.axvline(threshold, color="black", lw=1.2, label="threshold")
    axis.set_xlabel("anomaly score of test images")
    axis.set_ylabel("images")
    axis.legend(fontsize=8, loc="upper right")
    return encode_png(figure)
