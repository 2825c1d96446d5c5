"""The table of a scoring run, which can be interrupted and resumed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

from ganad_tf import artifacts
from ganad_tf.errors import UserError
from ganad_tf.scores_csv import Row
from ganad_tf.scores_csv import to_csv

# What a user can mend; other errors of SQLite are bugs of this module.
_USER_ERRORS = {
    sqlite3.SQLITE_BUSY: "another run is writing it: wait for its end",
    sqlite3.SQLITE_CANTOPEN: "check that its folder can be written to",
    sqlite3.SQLITE_READONLY: "check the permissions of file and folder",
    sqlite3.SQLITE_FULL: "free some disk space",
    sqlite3.SQLITE_IOERR: "check the disk",
    sqlite3.SQLITE_NOTADB: "delete it to start again",
    sqlite3.SQLITE_CORRUPT: "delete it to start again",
}
_SECONDS_TO_WAIT = 1.0  # for another process that has the database open
# Raised where the tables change: others are dropped.
_FORMAT = 2
_DROP = "DROP TABLE IF EXISTS run; DROP TABLE IF EXISTS rows;"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS run (source TEXT);
CREATE TABLE IF NOT EXISTS rows (
    path BLOB PRIMARY KEY, stamp TEXT, version TEXT, content TEXT
);
PRAGMA user_version = {_FORMAT};
"""


class ResumableTable:
    """The rows of `scores.csv`, kept while the run lasts.

    During the run its rows are in an SQLite database, `<path>.part`, one
    transaction for each `append`. A run of the same source resumes with them,
    except for images that have changed since, and rows of another version.

    Args:
        path: The CSV file that `finish` writes.
        source: What the scores come from, and how; for another source the
            table starts empty.
        version: Of the model that answers.

    Attributes:
        rows: `Row`s of that version so far, by path.

    Raises:
        UserError: If the database cannot be read or written, or another run
            has it open.

    Example:
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "scores.csv")
    >>> with ResumableTable(path, "model 1") as table:
    ...     table.append([Row("a.png", status="empty")])
    >>> with ResumableTable(path, "model 1") as table:
    ...     table.rows["a.png"].status
    'empty'
    >>> with ResumableTable(path, "model 2") as table:
    ...     table.rows
    {}
    """

    def __init__(self, path: str, source: str, version: str = ""):
        self._path = path
        self._part = f"{path}.part"
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with _user_errors(self._part):
            self._database = sqlite3.connect(
                self._part, timeout=_SECONDS_TO_WAIT
            )
            # Held from the first write to the end: one run at a time.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            (found,) = self._database.execute("PRAGMA user_version").fetchone()
            self._database.executescript(
                _SCHEMA if found == _FORMAT else _DROP + _SCHEMA
            )
            self._versions: dict[str, str] = {}
            self.rows = self._resume(source)
            self.keep(version)

    def __enter__(self) -> ResumableTable:
        return self

    def __exit__(self, *_) -> None:
        self._database.close()

    def _resume(self, source: str) -> dict[str, Row]:
        given = [(json.dumps(source),)]
        with self._database as database:
            if database.execute("SELECT source FROM run").fetchall() != given:
                database.execute("DELETE FROM rows")
            database.execute("DELETE FROM run")
            database.execute("INSERT INTO run VALUES (?)", given[0])
            stored = database.execute(
                "SELECT stamp, version, content FROM rows"
            ).fetchall()
        rows = {}
        for written, version, text in stored:
            row = Row(**json.loads(text))
            if written == stamp(row.path):
                rows[row.path] = row
                self._versions[row.path] = version
        return rows

    def keep(self, version: str) -> None:
        """Drops the rows of other versions; later ones are of this one."""
        self._version = version
        self.rows = {
            path: row
            for path, row in self.rows.items()
            if self._versions[path] == version
        }

    def append(
        self,
        rows: Iterable[Row],
        *,
        stamps: Sequence[str] | None = None,
        version: str | None = None,
    ) -> None:
        """Adds rows: all of them are kept, or none if the process is killed.

        Args:
            rows: `Row`s.
            stamps: `stamp` of each image before it was read; now by default.
            version: That answered; the one that the table keeps by default.
        """
        rows = list(rows)
        version = self._version if version is None else version
        stamps = stamps or [stamp(row.path) for row in rows]
        with _user_errors(self._part), self._database as database:
            # JSON escapes what is no valid text in a file name.
            database.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
                [
                    (
                        os.fsencode(row.path),
                        written,
                        version,
                        json.dumps(row._asdict()),
                    )
                    for row, written in zip(rows, stamps, strict=True)
                ],
            )
        self.rows.update((row.path, row) for row in rows)
        self._versions.update((row.path, version) for row in rows)

    def finish(self, paths: Iterable[str]) -> list[Row]:
        """Writes the CSV file in one step and deletes the database.

        Args:
            paths: The images of the table, in its order; all have a row.

        Returns:
            rows: Their `Row`s.
        """
        rows = [self.rows[path] for path in paths]
        artifacts.write_text(self._path, to_csv(rows))
        self._database.close()
        with contextlib.suppress(FileNotFoundError):  # the folder is a new one
            os.remove(self._part)
        return rows


@contextlib.contextmanager
def _user_errors(path: str) -> Iterator[None]:
    """Turns errors of the file, not of the SQL, into `UserError`s."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        # The lowest byte is the kind of error, the others say more about it.
        advice = _USER_ERRORS.get((error.sqlite_errorcode or 0) & 0xFF)
        if advice is None:
            raise
        raise UserError(f"{path}: {error}; {advice}") from error


def stamp(path: str) -> str:
    """Size and time of change of a file; another if the file has changed.

    Args:
        path: The file.

    Returns:
        stamp: Bytes and nanoseconds; empty if there is no file.
    """
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
