"""Marks: what a person says of images after looking at them.

A file of marks is a CSV of `path,mark`, as the report and the page "look at
these first" download it. A plain list of paths, one a line, is one, too: its
images are not good.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from collections.abc import Mapping

from ganad_tf.artifacts import path_errors
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError

GOOD = "good"  # good after all
MISSED = "missed"  # defective, whatever was decided
HEADER = ("path", "mark")


def read_marks(path: str) -> dict[str, str]:
    """Reads a file of marks.

    Args:
        path: CSV with the columns path and mark, or a list of paths. Empty
            lines and lines that start with "#" do not count.

    Returns:
        marks: `GOOD` or `MISSED` by path, as the file has it.

    Raises:
        UserError: If it cannot be read, or has another mark.
    """
    with (
        path_errors("read", path),
        open(path, encoding="utf-8", errors="surrogateescape") as file,
    ):
        lines = [line for line in file.read().splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("#")]
    if not lines or tuple(lines[0].strip().split(",")) != HEADER:
        return {line.strip(): MISSED for line in lines}
    marks = {}
    for row in csv.reader(lines[1:]):
        if len(row) != len(HEADER) or row[1] not in (GOOD, MISSED):
            raise UserError(
                f"{path} has a line that is no mark. Expected a path and "
                f"{GOOD} or {MISSED}. Received: {','.join(row)}"
            )
        marks[row[0]] = row[1]
    return marks


def marked_files(
    files: Iterable[ImageFile], marks: Mapping[str, str]
) -> dict[ImageFile, str]:
    """The marks of files, whose paths may be relative to their data set.

    Args:
        files: `ImageFile`s.
        marks: Of `read_marks`.

    Returns:
        marked: Mark by file, of those that have one.

    Raises:
        UserError: If a mark is of none of the files.

    Example:
    >>> file = ImageFile("data/a/b.png", "a/b.png", 0, "good", "pool")
    >>> list(marked_files([file], {"a/b.png": MISSED}).values())
    ['missed']
    """
    by_path: dict[str, ImageFile] = {}
    for file in files:
        by_path |= {file.name: file, os.path.abspath(file.path): file}
    marked, unknown = {}, []
    for path, mark in marks.items():
        file = by_path.get(path) or by_path.get(os.path.abspath(path))
        if file is None:
            unknown.append(path)
        else:
            marked[file] = mark
    if unknown:
        raise UserError(
            f"{len(unknown)} marked images are not in the data, the first is "
            f"{unknown[0]}. Expected paths below --data, or as they are opened"
        )
    return marked
