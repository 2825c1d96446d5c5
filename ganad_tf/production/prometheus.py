"""Figures of a monitor in Prometheus' text format."""

from __future__ import annotations

import numpy as np

from ganad_tf.production import line_monitor
from ganad_tf.production.drift_figures import Window
from ganad_tf.production.line_monitor import Monitored

_PREFIX = "ganad_tf_monitor"


def metrics_text(monitored: Monitored, last: Window, *, num_images: int) -> str:
    """Figures as node_exporter's textfile collector, or a server, takes them.

    Args:
        monitored: Of the stream.
        last: Its last window.
        num_images: Images of the stream.

    Returns:
        text: In the text exposition format 0.0.4.
    """
    families = [
        ("images", "Images of the stream.", [("", num_images)]),
        *_evidence(monitored),
        *_figures(last),
    ]
    return "".join(_family(*family) for family in families)


def _evidence(monitored: Monitored) -> list[tuple]:
    verdicts = (
        line_monitor.UNCHANGED,
        line_monitor.MORE_DEFECTS,
        line_monitor.MOVED,
    )
    fired = {alarm.kind for alarm in monitored.alarms}
    kinds = monitored.log_capital
    return [
        (
            "verdict",
            "1 for the verdict on the line.",
            [
                (f'{{verdict="{verdict}"}}', int(verdict == monitored.verdict))
                for verdict in verdicts
            ],
        ),
        (
            "log10_capital",
            "Money of the test martingale; it started at 0.",
            [
                (f'{{question="{kind}"}}', path[-1] / np.log(10.0))
                for kind, path in kinds.items()
            ],
        ),
        (
            "alarm",
            "1 since the capital has reached its threshold.",
            [(f'{{question="{kind}"}}', int(kind in fired)) for kind in kinds],
        ),
    ]


def _figures(last: Window) -> list[tuple]:
    return [
        (
            "share_below_alpha",
            "Share of p-values at most alpha in the last window.",
            [("", last.share_below)],
        ),
        (
            "ks_p_value",
            "Kolmogorov-Smirnov test of the last window's p-values.",
            [("", last.ks_p_value)],
        ),
        (
            "shift",
            "Median of the last window less the reference's, in deviations.",
            [
                (f'{{of="{name}"}}', value)
                for name, value in last.shifts.items()
                if value is not None
            ],
        ),
    ]


def _family(name: str, words: str, samples) -> str:
    full = f"{_PREFIX}_{name}"
    lines = [f"# HELP {full} {words}", f"# TYPE {full} gauge"]
    lines += [f"{full}{labels} {value:.7g}" for labels, value in samples]
    return "\n".join(lines) + "\n"
