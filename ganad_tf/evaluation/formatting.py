"""Figures of an evaluation as text: numbers, rates, intervals, table rows."""

from __future__ import annotations

from typing import Any

METHOD_HEADER = (
    "method",
    "AUROC",
    "95 % interval",
    "accuracy",
    "balanced accuracy",
    "overkill",
    "95 % interval",
    "escape",
)


def number(value: float | None, digits: int = 3) -> str:
    """A number as text, or a dash where there is none.

    Example:
    >>> number(0.95449), number(None)
    ('0.954', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A rate in [0, 1] as percent, or a dash where there is none.

    Example:
    >>> percent(0.054)
    '5.4 %'
    """
    return "–" if value is None else f"{100 * value:.1f} %"


def interval(ends: list[float] | None) -> str:
    """An interval as text, or a dash where there is none.

    Example:
    >>> interval([0.9, 0.95])
    '0.900 to 0.950'
    """
    return "–" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def percent_interval(ends: list[float]) -> str:
    """The interval of a rate in percent, without the sign.

    Example:
    >>> percent_interval([0.021, 0.1])
    '2.1 to 10.0'
    """
    low, high = ends
    return f"{100 * low:.1f} to {100 * high:.1f}"


def place(rate: float, ends: list[float]) -> str:
    """Where a rate lies next to an interval: inside, below or above it.

    Example:
    >>> place(0.1, [0.0, 0.1]), place(0.11, [0.0, 0.1])
    ('inside', 'above')
    """
    if rate < ends[0]:
        return "below"
    return "above" if rate > ends[1] else "inside"


def method_row(results: dict[str, Any], name: str) -> tuple[str, ...]:
    """One method's figures as text, in the order of `METHOD_HEADER`.

    Args:
        results: The content of `results.json`.
        name: One of `results["methods"]`.

    Returns:
        cells: The method's name and its figures.
    """
    point = results["methods"][name]
    return (
        name,
        number(results["auroc"][name]),
        interval(results["auroc_ci95"][name]),
        percent(point["accuracy"]),
        percent(point["balanced_accuracy"]),
        percent(point["overkill_rate"]),
        f"{percent_interval(point['overkill_rate_ci95'])} %",
        percent(point["escape_rate"]),
    )


def markdown_table(header: tuple[str, ...], rows: list[tuple]) -> str:
    """A Markdown table.

    Example:
    >>> print(markdown_table(("a", "b"), [("1", "2")]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def printable(name: str) -> str:
    r"""A file name in one line that figures and tables can show.

    Example:
    >>> printable("a\n\udcff.png")
    'a ?.png'
    """
    text = name.encode("utf-8", "replace").decode()
    return "".join(one if one.isprintable() else " " for one in text)
