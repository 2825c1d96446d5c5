"""Watching a line: from tables of scores to a verdict, a page and figures."""

from __future__ import annotations

import importlib
from typing import NamedTuple

import numpy as np

from ganad_tf import artifacts
from ganad_tf.production import appearance
from ganad_tf.production import drift_figures
from ganad_tf.production import line_monitor
from ganad_tf.production import monitor_page
from ganad_tf.production import prometheus
from ganad_tf.production import score_stream
from ganad_tf.production.line_monitor import Monitored

WINDOW = 100


class Watched(NamedTuple):
    """What was said of a line."""

    monitored: Monitored
    images: list[score_stream.ScoredImage]
    words: str


def monitor_scores(
    scores: str,
    *,
    report: str | None = None,
    logdir: str | None = None,
    metrics_file: str | None = None,
    reference: str | None = None,
    alpha: float = 0.05,
    window: int = WINDOW,
    num_calibration: int | None = None,
    order: str = score_stream.ORDERS[0],
) -> Watched:
    """Says whether a line's images are still like the calibration images.

    Args:
        scores: As of `score_stream.read_stream`.
        report: HTML file to write.
        logdir: Folder for TensorBoard.
        metrics_file: File to write in Prometheus' text format.
        reference: Scores of a time when all was well, as `scores`; the first
            window by default.
        alpha: False-alarm rate whose share of images is shown.
        window: Images of a window.
        num_calibration: Calibration images of the model; inferred by default.
        order: As of `score_stream.read_stream`.

    Returns:
        watched: `Watched`.

    Raises:
        UserError: If there are no scores, they are not of one model, or a file
            cannot be written.
    """
    images, num_skipped = score_stream.read_stream(scores, order=order)
    looks = appearance.looks_of(images)
    monitored = line_monitor.monitor(
        np.array([image.p_value for image in images]),
        np.array([image.anomaly_score for image in images]),
        [image.path for image in images],
        num_calibration=num_calibration,
        looks=looks,
    )
    windows = drift_figures.windows(
        images,
        num_calibration=monitored.num_calibration,
        alpha=alpha,
        size=window,
        looks=looks,
        usual_looks=_usual_looks(looks, window, reference),
    )
    if report is not None:
        html = monitor_page.render(
            monitored,
            windows,
            images,
            num_skipped=num_skipped,
            alpha=alpha,
            reference=reference or f"the first {window} images",
        )
        artifacts.write_text(report, html)
    if metrics_file is not None:
        text = prometheus.metrics_text(
            monitored, windows[-1], num_images=len(images)
        )
        artifacts.write_text(metrics_file, text)
    if logdir is not None:
        _write_summaries(logdir, monitored, windows)
    return Watched(monitored, images, monitor_page.words(monitored))


def _usual_looks(looks, window: int, reference: str | None):
    """Looks of the reference; without one, of the first window."""
    if reference is None:
        return {name: values[:window] for name, values in looks.items()}
    images, _ = score_stream.read_stream(reference)
    return appearance.looks_of(images)


def _write_summaries(logdir: str, monitored: Monitored, windows) -> None:
    # TensorFlow starts for this alone.
    summaries = importlib.import_module("ganad_tf.production.monitor_summaries")
    summaries.write_summaries(logdir, monitored, windows)
