import os
import sys
import types

import pytest
import scored

from ganad_tf.errors import UserError
from ganad_tf.production import score_stream
from ganad_tf.scores_csv import Row


def test_shards_are_read_in_the_order_of_names(tmp_path):
    rows = scored.rows(10)
    scored.write(tmp_path / "scores-00001-of-00002.csv", rows[5:])
    scored.write(tmp_path / "scores-00000-of-00002.csv", rows[:5])
    images, skipped = score_stream.read_stream(f"{tmp_path}/scores-*.csv")
    assert [image.path for image in images] == [row.path for row in rows]
    assert skipped == 0
    for image, row in zip(images, rows, strict=True):
        assert image.p_value == pytest.approx(row.p_value, rel=1e-6)
        assert image.is_defective == row.is_defective


def test_images_without_scores_are_counted(tmp_path):
    rows = [*scored.rows(3), Row("broken.png", status="empty file")]
    path = scored.write(tmp_path / "scores.csv", rows)
    images, skipped = score_stream.read_stream(path)
    assert len(images) == 3 and skipped == 1
    path = scored.write(tmp_path / "none.csv", rows[3:])
    with pytest.raises(UserError, match="No image of .* has scores.*1 have"):
        score_stream.read_stream(path)


def test_parquet_tables_are_read(tmp_path, monkeypatch):
    rows = [row._asdict() for row in scored.rows(4)]

    class Table:
        def to_pylist(self):
            return rows

    module = types.SimpleNamespace(read_table=lambda _: Table())
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", module)
    (tmp_path / "a.parquet").write_bytes(b"")
    images, _ = score_stream.read_stream(str(tmp_path / "a.parquet"))
    assert [image.path for image in images] == [row["path"] for row in rows]
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UserError, match="pip install pyarrow"):
        score_stream.read_stream(str(tmp_path / "a.parquet"))


def test_the_order_of_time_is_that_of_the_files(tmp_path):
    rows = scored.rows(3, folder=f"{tmp_path}/")
    for row, time in zip(rows, (30, 10, 20), strict=True):
        with open(row.path, "wb"):
            os.utime(row.path, (time, time))
    path = scored.write(tmp_path / "scores.csv", rows)
    images, _ = score_stream.read_stream(path, order="time")
    assert [image.path for image in images] == [
        rows[row].path for row in (1, 2, 0)
    ]


@pytest.mark.parametrize(
    "text, reason",
    [
        ("name,score\na,1\n", "no table of scores.*name, score"),
        ("path,p_value\na,2\n", r"Row 1 .*p_value=2 is not in \(0, 1\]"),
        ("path,p_value\na,nan\n", "p_value=nan is not in"),
        ("path,p_value\na,x\n", "Row 1 .*could not convert"),
    ],
)
def test_other_tables_are_errors(tmp_path, text, reason):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=reason):
        score_stream.read_stream(str(tmp_path / "t.csv"))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="There is no file"):
        score_stream.read_stream(f"{tmp_path}/*.csv")
