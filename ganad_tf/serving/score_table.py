"""The table of scores: `scores.csv`, a row an image."""

from __future__ import annotations

import csv
import io
import os
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


def _row(cells: list[str]) -> Row:
    """What `to_csv` made of a row, back."""
    if len(cells) != len(Row._fields):
        raise ValueError(f"Expected {len(Row._fields)} cells: {cells}")
    path, label, *numbers, decision, status = cells
    if status != "ok":
        return Row(path, label, status=status)
    return Row(path, label, *map(float, numbers), decision == "1")


class PartialTable:
    """The rows of a run that goes on, kept so that it can be interrupted.

    They are in `<path>.part` beside the table, and are taken up again by a run
    of the same source. Rows of files that changed since are left out.

    Args:
        path: The table that is to be written in the end.
        source: What the scores come from, and how; another source starts
            anew.

    Attributes:
        rows: `Row`s of an earlier run, by path.

    Example:
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "scores.csv")
    >>> PartialTable(path, "model 1").append([Row("a.png", status="empty")])
    >>> PartialTable(path, "model 1").rows["a.png"].status
    'empty'
    >>> PartialTable(path, "model 2").rows
    {}
    """

    def __init__(self, path: str, source: str):
        self._path = f"{path}.part"
        self._source = " ".join(source.split())
        self.rows = {row.path: row for row in self._read()}
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(self._path, "w", newline="", encoding="utf-8") as file:
            file.write(f"# {self._source}\n")
        self.append(self.rows.values())

    def _read(self) -> list[Row]:
        if not os.path.isfile(self._path):
            return []
        written = os.path.getmtime(self._path)
        with open(self._path, newline="", encoding="utf-8") as file:
            if file.readline() != f"# {self._source}\n":
                return []
            text = file.read()
        whole = text[: text.rfind("\n") + 1]  # a kill may cut the last row
        rows = [_row(cells) for cells in csv.reader(io.StringIO(whole))]
        return [row for row in rows if not _changed(row.path, written)]

    def append(self, rows: Iterable[Row]) -> None:
        """Adds rows to the file, at once."""
        lines = to_csv(rows).partition("\n")[2]
        with open(self._path, "a", newline="", encoding="utf-8") as file:
            file.write(lines)

    def close(self) -> None:
        """Deletes the file: the table itself has been written."""
        os.remove(self._path)


def _changed(path: str, since: float) -> bool:
    return os.path.isfile(path) and os.path.getmtime(path) > since
