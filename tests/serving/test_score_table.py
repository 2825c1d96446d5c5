import contextlib
import csv
import io
import os
import pathlib
import subprocess
import sys

import pytest

from ganad_tf.errors import UserError
from ganad_tf.scores_csv import Row
from ganad_tf.scores_csv import to_csv
from ganad_tf.serving import score_table
from ganad_tf.serving.score_table import ResumableTable

NUMBERS = (1.5, 2.0, 3.0, 0.5, False)
# As file names may be: quotes, line ends, bytes that are no UTF-8, a tab.
NAMES = ('c".png', "a,\n.png", "b\r.png", "d\r\n.png", "e\udcff.png", " f\t'")
ROWS = [
    Row("a,\n.png", "", *NUMBERS),
    Row("b.png", status="not an image: expected, say, PNG"),
    Row("c.png", "good", 0.1234567891234, 2e9, float("inf"), 0.01, True),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_survives_the_csv_and_an_interruption(name, tmp_path):
    path = str(tmp_path / "scores.csv")
    rows = [Row(name, "", *NUMBERS), Row(f"{name}2", status=f"{name} failed")]
    read = csv.reader(io.StringIO(to_csv(rows), newline=""))
    assert [row[0] for row in read][1:] == [name, f"{name}2"]
    with ResumableTable(path, f"model {name}") as table:
        table.append(rows)
    with ResumableTable(path, f"model {name}") as table:
        assert list(table.rows.values()) == rows
        assert table.finish([name, f"{name}2"]) == rows
    content = pathlib.Path(path).read_bytes()
    assert os.fsencode(name).replace(b'"', b'""') in content


def test_an_interrupted_table_is_resumed(tmp_path):
    path = str(tmp_path / "out" / "scores.csv")
    with ResumableTable(path, "model 1") as table:
        table.append(ROWS[:2])
        table.append(iter(ROWS[2:]))
    with ResumableTable(path, "model 1") as table:
        assert list(table.rows.values()) == ROWS
        table.append([ROWS[0]._replace(label="good")])
        names = ["c.png", "a,\n.png"]
        assert [row.path for row in table.finish(names)] == names
    assert os.listdir(tmp_path / "out") == ["scores.csv"]
    with ResumableTable(path, "model 1") as table:
        assert table.rows == {}


_ENDLESS = """
import itertools, sys
from ganad_tf.scores_csv import Row
from ganad_tf.serving.score_table import ResumableTable
with ResumableTable(sys.argv[1], "model") as table:
    for count in itertools.count():
        rows = [Row(f"{count}-{row}", status="x" * 999) for row in range(9)]
        table.append(rows)
        print(count, flush=True)
"""


def test_a_kill_costs_at_most_the_last_rows(tmp_path):
    path = str(tmp_path / "scores.csv")
    process = subprocess.Popen(
        [sys.executable, "-c", _ENDLESS, path], stdout=subprocess.PIPE
    )
    for _ in range(5):
        process.stdout.readline()
    with pytest.raises(UserError, match="scores.csv.part: .* another run"):
        ResumableTable(path, "model")
    process.kill()
    process.communicate()
    with ResumableTable(path, "model") as table:
        assert len(table.rows) >= 5 * 9 and len(table.rows) % 9 == 0


def test_another_source_starts_empty(tmp_path):
    path = str(tmp_path / "scores.csv")
    for source in ("model 1", "model 2"):
        with ResumableTable(path, source) as table:
            assert table.rows == {}
            table.append(ROWS)


def test_a_file_that_changed_is_scored_again(tmp_path):
    image, path = tmp_path / "a.png", str(tmp_path / "scores.csv")
    row = Row(str(image), status="empty file")
    image.write_bytes(b"")
    with ResumableTable(path, "model") as table:
        table.append([row])
    same = image.stat().st_mtime_ns
    for content, modified, rows in (
        (b"", same, {row.path: row}),
        (b"longer", same, {}),
        (b"", 1, {}),
    ):
        image.write_bytes(content)
        os.utime(image, ns=(modified, modified))
        with ResumableTable(path, "model") as table:
            assert table.rows == rows


def test_a_table_of_an_earlier_format_is_started_again(tmp_path):
    path = str(tmp_path / "scores.csv")
    with contextlib.closing(score_table.sqlite3.connect(path + ".part")) as old:
        old.execute("CREATE TABLE run (source TEXT)")
        old.execute("CREATE TABLE rows (path BLOB, modified INTEGER)")
        old.execute("INSERT INTO rows VALUES ('a', 1)")
        old.commit()
    with ResumableTable(path, "model") as table:
        assert table.rows == {}
        table.append(ROWS)
    with ResumableTable(path, "model") as table:
        assert len(table.rows) == 3


def test_what_the_user_can_mend_is_a_users_error(tmp_path):
    path = tmp_path / "scores.csv"
    part = tmp_path / "scores.csv.part"
    part.write_text("# model\n" * 999)
    with pytest.raises(UserError, match="scores.csv.part: .*delete it to"):
        ResumableTable(str(path), "model")
    part.unlink()
    part.mkdir()
    with pytest.raises(UserError, match="unable to open .* written to"):
        ResumableTable(str(path), "model")


def test_errors_of_the_sql_are_not_the_users(tmp_path):
    table = ResumableTable(str(tmp_path / "scores.csv"), "model")
    with contextlib.closing(table._database):
        table._database.execute("DROP TABLE rows")
        with pytest.raises(score_table.sqlite3.OperationalError):
            table.append(ROWS)
