"""The format of `scores.csv`, which evaluation and clients write alike."""

from __future__ import annotations

import collections
import csv
import io
import math
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ganad_tf.errors import UserError
from ganad_tf.score_parts import ANOMALY
from ganad_tf.score_parts import SCALARS
from ganad_tf.score_parts import UNJUDGED_SCORE

COLUMNS = ("path", "label", *SCALARS, "status")
_UNJUDGED = "not judged: pixels or scores are not finite; called defective"


class Row(
    collections.namedtuple(
        "Row", COLUMNS, defaults=("", *[None] * len(SCALARS), "ok")
    )
):
    """One image; the scalars are None where it could not be scored.

    Attributes:
        path: Name of the file, as the user gave it.
        label: "good", a defect type, or empty where unknown.
        anomaly_score: The number to rank by; higher is more anomalous.
        frechet_score: Fréchet distance of latent and local features to those
            of qualified images.
        reconstruction_error: Largest residuals of the reconstruction.
        p_value: Conformal p-value among held-out qualified images.
        is_defective: Whether the p-value is at most alpha.
        status: "ok", or the reason why there are no scalars, or none that
            say more than that the image is defective.
    """

    __slots__ = ()


def scored_row(path: str, scalars: Mapping[str, Any], label: str = "") -> Row:
    """The row of an image that was scored.

    An image that could not be judged is defective, and its status says so. A
    model exported by an earlier version gives it scalars that are not finite;
    then the row has the decision alone.

    Args:
        path: Name of the file.
        scalars: Values by the names of `SCALARS`.
        label: "good", a defect type, or empty where unknown.

    Returns:
        row: `Row` of Python numbers.

    Example:
    >>> scalars = dict.fromkeys(SCALARS, 1e10)
    >>> scored_row("a.png", scalars).status
    'not judged: pixels or scores are not finite; called defective'
    """
    numbers = {name: float(scalars[name]) for name in SCALARS}
    numbers["is_defective"] = bool(scalars["is_defective"])
    if not all(math.isfinite(value) for value in numbers.values()):
        return Row(path, label, is_defective=True, status=_UNJUDGED)
    judged = numbers[ANOMALY.name] < UNJUDGED_SCORE
    return Row(path, label, **numbers, status="ok" if judged else _UNJUDGED)


def to_csv(rows: Iterable[Row]) -> str:
    """Formats rows as CSV with a header line.

    Args:
        rows: `Row`s; floats get 7 significant digits, booleans are 0 or 1.

    Returns:
        text: The file's content.

    Example:
    >>> print(to_csv([Row("a.png", status="empty file")]).splitlines()[1])
    a.png,,,,,,,empty file
    """
    lines = [_line(COLUMNS)]
    lines += [_line(_cell(value) for value in row) for row in rows]
    return "".join(lines)


def from_csv(text: str) -> list[Row]:
    """Reads the rows that `to_csv` wrote.

    Args:
        text: The file's content.

    Returns:
        rows: `Row`s; floats have the 7 digits of the file.

    Raises:
        UserError: If the table has other columns.

    Example:
    >>> from_csv(to_csv([Row("a.png", p_value=0.25)]))[0].p_value
    0.25
    """
    header, *rows = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    if tuple(header) != COLUMNS:
        raise UserError(
            f"Expected a table with the columns {','.join(COLUMNS)}. "
            f"Received: {','.join(header)}"
        )
    return [_row(dict(zip(COLUMNS, cells, strict=True))) for cells in rows]


def _row(cells: dict[str, str]) -> Row:
    numbers = {name: float(cells[name]) for name in SCALARS if cells[name]}
    if "is_defective" in numbers:
        numbers["is_defective"] = bool(numbers["is_defective"])
    words = {name: cells[name] for name in ("path", "label", "status")}
    return Row(**words, **numbers)


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _line(cells: Iterable[str]) -> str:
    # The writer quotes a "\r" in a cell only if its own lines end in "\r\n".
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().removesuffix("\r\n") + "\n"
