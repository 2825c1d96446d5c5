"""The time series of a monitor as one figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganad_tf.colors import DEFECTIVE_COLOR
from ganad_tf.colors import QUALIFIED_COLOR
from ganad_tf.evaluation import canvas
from ganad_tf.production import line_monitor
from ganad_tf.production.appearance import LOOKS
from ganad_tf.production.drift_figures import Window
from ganad_tf.production.line_monitor import Monitored

_WORDS = {"any": "anything has changed", "moved": "good images have moved"}
_COLORS = {"any": QUALIFIED_COLOR, "moved": DEFECTIVE_COLOR}


def series_png(
    monitored: Monitored, windows: Sequence[Window], *, alpha: float
) -> bytes:
    """Evidence, share of low p-values, and shifts, over the stream.

    Args:
        monitored: Of the stream.
        windows: Of the same stream.
        alpha: Of the share.

    Returns:
        png: Content of a PNG file.
    """
    figure = canvas.new_figure(9.0, 8.0)
    evidence, share, shifts = figure.subplots(3, 1, sharex=True)
    _draw_evidence(evidence, monitored)
    _draw_share(share, windows, alpha)
    _draw_shifts(shifts, windows)
    shifts.set_xlabel("image")
    for axes in (evidence, share, shifts):
        for alarm in monitored.alarms:
            axes.axvline(alarm.step, color=_COLORS[alarm.kind], linestyle=":")
    return canvas.encode_png(figure)


def _draw_evidence(axes, monitored: Monitored) -> None:
    for kind, path in monitored.log_capital.items():
        color = _COLORS[kind]
        axes.plot(path / np.log(10.0), color=color, label=_WORDS[kind])
        level = np.log10(line_monitor.THRESHOLDS[kind])
        axes.axhline(level, color=color, linestyle="--", linewidth=0.8)
    axes.set_ylabel("evidence: log10 of\nthe martingale (alarm: --)")
    axes.legend()


def _draw_share(axes, windows: Sequence[Window], alpha: float) -> None:
    middles = [(window.start + window.stop) / 2 for window in windows]
    low, high = zip(*(window.band for window in windows), strict=True)
    axes.fill_between(middles, low, high, alpha=0.2, label="expected (95 %)")
    shares = [window.share_below for window in windows]
    axes.plot(middles, shares, "o-", color="black", markersize=3)
    axes.set_ylabel(f"share of p-values\nat most {alpha:g}")
    axes.legend()


def _draw_shifts(axes, windows: Sequence[Window]) -> None:
    middles = [(window.start + window.stop) / 2 for window in windows]
    for name in LOOKS:
        values = [window.shifts[name] for window in windows]
        if None not in values:
            axes.plot(middles, values, "o-", markersize=3, label=name)
    axes.axhline(0.0, color="gray", linewidth=0.8)
    axes.set_ylabel("median, in deviations\nof the reference")
    axes.legend()
