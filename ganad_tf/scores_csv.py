"""The format of `scores.csv`: one row for each image.

The evaluation and the clients write the same table, so it belongs to no room.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """One image; the numbers are None where the image could not be read."""

    path: str  # as the user named it
    label: str = ""  # "good", a defect type, or empty where unknown
    anomaly_score: float | None = None  # the one number to rank by
    frechet_score: float | None = None  # latent Fréchet distance
    reconstruction_error: float | None = None  # largest residuals
    p_value: float | None = None  # among held-out qualified images
    is_defective: bool | None = None  # p-value at most alpha
    status: str = "ok"  # or the reason why there are no numbers


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def to_csv(rows: Iterable[Row]) -> str:
    """Formats rows as CSV with a header line.

    Args:
        rows: `Row`s; numbers get 7 significant digits, booleans are 0 or 1.

    Returns:
        text: The file's content.

    Example:
    >>> print(to_csv([Row("a.png", status="empty file")]).splitlines()[1])
    a.png,,,,,,,empty file
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue()
