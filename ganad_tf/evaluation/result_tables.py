"""Tables of several evaluations, from their `results.json`."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

from ganad_tf.evaluation import formatting
from ganad_tf.score_parts import ANOMALY
from ganad_tf.score_parts import SCORE_PARTS

# 1 or 0 of a run; its mean is a share of runs.
INSIDE = "overkill_rate inside overkill_rate_expected95"

_OURS = tuple(part.name for part in SCORE_PARTS)


def methods_table(evaluations: Iterable[dict[str, Any]]) -> str:
    """Every method on every data set, as Markdown.

    Args:
        evaluations: Contents of `results.json`. Of several evaluations of one
            data set, the baselines are listed once.

    Returns:
        table: Markdown.
    """
    lines, seen = [], set()
    for results in evaluations:
        data = results["data"]
        names = [
            name
            for name in results["methods"]
            if name in _OURS or (data, name) not in seen
        ]
        lines += [_method_line(results, name) for name in names]
        seen |= {(data, name) for name in names}
    header = ("data", *formatting.METHOD_HEADER)
    return formatting.markdown_table(header, lines)


def _method_line(results: dict[str, Any], name: str) -> tuple[str, ...]:
    """The report's row of a method, our own with the training method."""
    _, *figures = formatting.method_row(results, name)
    words = f"{results['method']}: {name}" if name in _OURS else name
    words = f"**{words}**" if name == ANOMALY.name else words
    return (results["data"], words, *figures)


def _figures(results: dict[str, Any]) -> dict[str, float | None]:
    """The figures of one evaluation, by their names in the table."""
    figures = {f"AUROC {name}": v for name, v in results["auroc"].items()}
    for name in ("balanced_accuracy", "overkill_rate", "escape_rate"):
        figures[name] = results[name]
    for alpha, rate in results["overkill_by_alpha"].items():
        figures[f"overkill_rate at alpha {alpha}"] = rate["overkill_rate"]
    expected = results.get("overkill_rate_expected95")
    if expected is not None and results["overkill_rate"] is not None:
        where = formatting.place(results["overkill_rate"], expected)
        figures[INSIDE] = float(where == "inside")
    for name, value in results.get("pixel", {}).items():
        figures[f"pixel {name}"] = value
    if "control" in results:
        figures["control overkill_rate"] = results["control"]["overkill_rate"]
    return figures


def summarise(
    evaluations: Iterable[dict[str, Any]],
) -> dict[str, dict[str, float]]:
    """Mean, least and largest over seeds of each figure that all have.

    Args:
        evaluations: Contents of `results.json`, one for each seed.

    Returns:
        summary: For each figure `mean`, `least`, `largest`, `num_seeds`.
    """
    figures = [_figures(results) for results in evaluations]
    columns = {name: [run.get(name) for run in figures] for name in figures[0]}
    return {
        name: {
            "mean": statistics.mean(values),
            "least": min(values),
            "largest": max(values),
            "num_seeds": len(values),
        }
        for name, values in columns.items()
        if None not in values
    }


def summary_table(summaries: dict[str, dict[str, dict[str, float]]]) -> str:
    """The summaries of several data sets, as Markdown.

    Args:
        summaries: What `summarise` returned, for each data set.

    Returns:
        table: Markdown.
    """
    rows = []
    for data, summary in summaries.items():
        for name, figure in summary.items():
            *numbers, num_seeds = figure.values()
            cells = (formatting.number(number) for number in numbers)
            rows.append((data, name, *cells, str(num_seeds)))
    header = ("data", "figure", "mean", "least", "largest", "seeds")
    return formatting.markdown_table(header, rows)
