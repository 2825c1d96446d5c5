"""The table of a scoring run, which can be interrupted and resumed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator

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
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (source TEXT);
CREATE TABLE IF NOT EXISTS rows (
    path BLOB PRIMARY KEY, modified INTEGER, content TEXT
);
"""


class ResumableTable:
    """The rows of `scores.csv`, kept while the run lasts.

    During the run its rows are in an SQLite database, `<path>.part`, one
    transaction for each `append`. A run of the same source resumes with them,
    except for images that have changed since.

    Args:
        path: The CSV file that `finish` writes.
        source: What the scores come from, and how; for another source the
            table starts empty.

    Attributes:
        rows: `Row`s so far, by path.

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

    def __init__(self, path: str, source: str):
        self._path = path
        self._part = f"{path}.part"
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with _user_errors(self._part):
            self._database = sqlite3.connect(
                self._part, timeout=_SECONDS_TO_WAIT
            )
            # Held from the first write to the end: one run at a time.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.executescript(_SCHEMA)
            self.rows = self._resume(source)

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
            stored = database.execute("SELECT modified, content FROM rows")
            rows = [(time, Row(**json.loads(text))) for time, text in stored]
        return {
            row.path: row for time, row in rows if time == _modified(row.path)
        }

    def append(self, rows: Iterable[Row]) -> None:
        """Adds rows: all of them are kept, or none if the process is killed."""
        rows = list(rows)
        with _user_errors(self._part), self._database as database:
            # JSON escapes what is no valid text in a file name.
            database.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)",
                [
                    (
                        os.fsencode(row.path),
                        _modified(row.path),
                        json.dumps(row._asdict()),
                    )
                    for row in rows
                ],
            )
        self.rows.update((row.path, row) for row in rows)

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


def _modified(path: str) -> int | None:
    """When a file was modified, in nanoseconds; None if there is none."""
    return os.stat(path).st_mtime_ns if os.path.isfile(path) else None
