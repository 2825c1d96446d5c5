"""The files of a run: their names, and what each shard writes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

from ganad_tf.bulk import file_systems
from ganad_tf.data.image_files import UNREADABLE
from ganad_tf.errors import UserError
from ganad_tf.score_parts import SCALARS
from ganad_tf.scores_csv import COLUMNS
from ganad_tf.scores_csv import Row
from ganad_tf.scores_csv import from_csv
from ganad_tf.scores_csv import to_csv

SUMMARY = "summary.json"
RUN = "run.json"
_TYPES = {
    **dict.fromkeys(COLUMNS, pa.string()),
    **dict.fromkeys(SCALARS, pa.float64()),
    "is_defective": pa.bool_(),
}
_SCHEMA = pa.schema([(name, _TYPES[name]) for name in COLUMNS])


class ShardFiles(NamedTuple):
    """Where the shards of a run are written."""

    folder: str  # on any file system of Beam
    num_shards: int

    def path(self, number: int, kind: str) -> str:
        """The file of a shard.

        Args:
            number: Of the shard.
            kind: Such as "scores.csv".

        Example:
        >>> ShardFiles("out", 16).path(3, "scores.csv")
        'out/scores-00003-of-00016.csv'
        """
        stem, _, suffix = kind.partition(".")
        name = f"{stem}-{number:05d}-of-{self.num_shards:05d}.{suffix}"
        return file_systems.join(self.folder, name)

    def write(self, number: int, rows: list[Row]) -> None:
        """Writes the files of a shard; its scores.csv last, as the mark.

        Args:
            number: Of the shard.
            rows: Its `Row`s, sorted; equal rows give equal files.
        """
        unscored = [row for row in rows if row.status != "ok"]
        for kind, data in (
            ("scores.parquet", to_parquet(rows)),
            ("unscored.csv", _encoded(unscored)),
            ("scores.csv", _encoded(rows)),
        ):
            file_systems.write_bytes(self.path(number, kind), data)

    def read(self, number: int) -> list[Row] | None:
        """The rows that a shard has written; None before it has."""
        path = self.path(number, "scores.csv")
        if not file_systems.exists(path):
            return None
        return _read_rows(path)

    def num_written(self) -> int:
        """How many shards are written."""
        names = file_systems.list_names(self.folder)
        return len(_score_tables(names))


def scored_paths(folder: str) -> Iterator[str]:
    """The images that an earlier run has settled.

    An image that could not be read at all may be readable now, so it is not
    among them; one that was read and is no image is.

    Args:
        folder: Output of that run, finished or not.

    Yields:
        path: Name of the image.

    Raises:
        UserError: If the folder holds no scores.
    """
    names = _score_tables(file_systems.list_names(folder))
    if not names:
        raise UserError(
            f"There are no scores in {folder}. Expected the --output of an "
            "earlier run"
        )
    for name in names:
        for row in _read_rows(file_systems.join(folder, name)):
            if not row.status.startswith(UNREADABLE):
                yield row.path


def _score_tables(names: set[str]) -> list[str]:
    return sorted(
        name
        for name in names
        if name.startswith("scores-") and name.endswith(".csv")
    )


def _encoded(rows: list[Row]) -> bytes:
    # Names of files may hold bytes that are no text.
    return to_csv(rows).encode("utf-8", "surrogateescape")


def _read_rows(path: str) -> list[Row]:
    data = file_systems.read_bytes(path)
    return from_csv(data.decode("utf-8", "surrogateescape"))


def to_parquet(rows: list[Row]) -> bytes:
    r"""Formats rows as Parquet; the same rows give the same bytes.

    Args:
        rows: `Row`s; where a name is no text, its other bytes become `\xNN`,
            since a Parquet string must be text.

    Returns:
        data: The file's content.
    """
    columns = [
        [_text(value) for value in column]
        for column in (zip(*rows, strict=True) if rows else [[]] * len(COLUMNS))
    ]
    table = pa.Table.from_arrays(
        [
            pa.array(column, field.type)
            for column, field in zip(columns, _SCHEMA, strict=True)
        ],
        schema=_SCHEMA,
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def _text(value):
    if not isinstance(value, str):
        return value
    raw = value.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")
