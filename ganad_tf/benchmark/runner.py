"""Runs the parts of the benchmark, each isolated from the others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import NamedTuple

from absl import logging

from ganad_tf import artifacts
from ganad_tf.benchmark import machine
from ganad_tf.benchmark import timing

_COLUMNS = ("median", "least", "largest", "share")


class Part(NamedTuple):
    """One part of the benchmark."""

    name: str
    measure: Callable[[], dict[str, timing.Figure]]
    obstacle: str | None = None  # why it cannot run here


def run(parts: Sequence[Part], output: str) -> dict[str, timing.Figure]:
    """Measures all parts; a part that cannot run or fails costs itself alone.

    Args:
        parts: Parts of `list_parts`.
        output: JSON file to write the figures to, after each part. The same
            as a Markdown table goes beside it, at the end.

    Returns:
        figures: Numbers by name of the figure. A part without figures has one
            under its own name: "median" None and the "reason".
    """
    for part in parts:
        if part.obstacle:
            logging.warning("Skipping %s: %s.", part.name, part.obstacle)
    figures = {"machine": machine.describe()}
    start = time.perf_counter()
    for part in parts:
        seconds = time.perf_counter() - start
        logging.info("%.0f s: measuring %s.", seconds, part.name)
        figures |= _measure(part)
        artifacts.write_json(output, figures)
    artifacts.write_text(markdown_path(output), markdown(figures) + "\n")
    return figures


def _measure(part: Part) -> dict[str, timing.Figure]:
    if part.obstacle:
        return {part.name: {"median": None, "reason": part.obstacle}}
    try:
        return part.measure()
    except Exception as error:  # the figures of the other parts are worth it
        logging.exception("Measuring %s failed.", part.name)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return {part.name: {"median": None, "reason": reason}}


def markdown_path(output: str) -> str:
    """The path of the Markdown table beside a JSON file."""
    return os.path.splitext(output)[0] + ".md"


def markdown(figures: dict[str, timing.Figure]) -> str:
    """Figures as a Markdown table, one row each."""
    lines = [
        "| figure | median | least | largest | share of ceiling | |",
        "|---|---|---|---|---|---|",
    ]
    for name, values in figures.items():
        cells = [_cell(values.get(key, "")) for key in _COLUMNS]
        others = ", ".join(
            f"{key} {_cell(value)}"
            for key, value in values.items()
            if key not in _COLUMNS
        )
        lines.append(f"| {' | '.join([name, *cells, others])} |")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
