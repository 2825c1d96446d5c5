"""Spool: large arrays on disk between two passes over them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np


class Spool:
    """Tuples of arrays, written one after the other and read in that order.

    They lie in a temporary file without a name, so memory holds one tuple at a
    time and nothing stays behind, even if the process is killed.

    Example:
    >>> with Spool() as spool:
    ...     for number in range(3):
    ...         spool.append(np.full(2, number), np.zeros(1))
    ...     [int(pair.sum()) for pair, _ in spool]
    [0, 2, 4]
    """

    def __init__(self):
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, closed with self
        self._widths: list[int] = []

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def append(self, *arrays: np.ndarray) -> None:
        """Writes one tuple of arrays of any shapes and numeric types."""
        # To the end: reading may have moved the position.
        self._file.seek(0, 2)
        for array in arrays:
            # Each array has a header with its shape and type, so it can be read
            # back without knowing them.
            np.save(self._file, np.asarray(array), allow_pickle=False)
        self._widths.append(len(arrays))

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        self._file.seek(0)
        for width in self._widths:
            yield tuple(np.load(self._file) for _ in range(width))
