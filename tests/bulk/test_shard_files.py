import os

import pytest

pytest.importorskip("apache_beam")

from pyarrow import parquet

from ganad_tf.bulk import shard_files
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.errors import UserError
from ganad_tf.scores_csv import COLUMNS
from ganad_tf.scores_csv import Row
from ganad_tf.scores_csv import to_csv

ODD = os.fsdecode(b"d/\xff\n.png")
ROWS = [
    Row("d/a.png", "", 1.5, 0.25, 0.125, 0.0625, True),
    Row(ODD, "", 0.5, 0.25, 0.125, 0.75, False),
    Row("d/c.png", status="unreadable: No such file"),
    Row("d/d.png", status='corrupt, "truncated"'),
]


@pytest.fixture
def files(tmp_path):
    return ShardFiles(str(tmp_path / "out"), 2)


def test_a_shard_has_a_row_an_image_in_both_formats(files):
    assert files.read(1) is None and files.num_written() == 0
    files.write(1, ROWS)
    assert files.read(1) == ROWS and files.num_written() == 1
    table = parquet.read_table(files.path(1, "scores.parquet"))
    assert tuple(table.column_names) == COLUMNS
    shown = [
        row._replace(path=row.path.replace("\udcff", r"\xff")) for row in ROWS
    ]
    assert [Row(**row) for row in table.to_pylist()] == shown
    assert sorted(os.listdir(files.folder)) == [
        "scores-00001-of-00002.csv",
        "scores-00001-of-00002.parquet",
        "unscored-00001-of-00002.csv",
    ]
    with open(files.path(1, "unscored.csv"), newline="") as file:
        assert file.read() == to_csv(ROWS[2:])


def test_a_repeated_shard_writes_the_same_bytes(files):
    def contents():
        files.write(0, ROWS)
        names = sorted(os.listdir(files.folder))
        return [open(f"{files.folder}/{name}", "rb").read() for name in names]

    assert contents() == contents()


def test_an_empty_shard_has_files_too(files):
    files.write(0, [])
    assert files.read(0) == []
    table = parquet.read_table(files.path(0, "scores.parquet"))
    assert tuple(table.column_names) == COLUMNS and table.num_rows == 0


def test_an_image_that_could_not_be_read_is_not_settled(files):
    files.write(0, ROWS[:2])
    files.write(1, ROWS[2:])
    assert list(shard_files.scored_paths(files.folder)) == [
        "d/a.png",
        ODD,
        "d/d.png",
    ]
    with pytest.raises(UserError, match="no scores in .*nowhere"):
        list(shard_files.scored_paths(f"{files.folder}/nowhere"))
