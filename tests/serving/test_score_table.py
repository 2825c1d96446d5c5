import csv
import os
import time

from ganad_tf.serving import score_table
from ganad_tf.serving.score_table import Row
from ganad_tf.serving.score_table import to_csv


def test_the_header_is_that_of_the_contract():
    assert to_csv([]) == (
        "path,label,anomaly_score,frechet_score,reconstruction_error,"
        "p_value,is_defective,status\n"
    )


def test_rows_come_back_from_a_csv_reader():
    rows = [
        Row("a, b.png", "good", 1.23456789, 2.0, 3.0, 0.05, True),
        Row('c".png', status="empty file"),
    ]
    found = list(csv.DictReader(to_csv(rows).splitlines()))
    assert found[0]["path"] == "a, b.png"
    assert found[0]["anomaly_score"] == "1.234568"
    assert found[0]["is_defective"] == "1" and found[0]["status"] == "ok"
    assert found[1]["path"] == 'c".png' and found[1]["p_value"] == ""
    assert found[1]["status"] == "empty file"


ROWS = [
    score_table.Row("a,\n.png", "", 1.5, 2.0, 3.0, 0.5, False),
    score_table.Row("b.png", status="not an image: expected, say, PNG"),
    score_table.Row("c.png", "", 0.1234567, 2e9, 3.0, 0.01, True),
]


def test_an_interrupted_table_is_taken_up_again(tmp_path):
    path = str(tmp_path / "out" / "scores.csv")
    table = score_table.PartialTable(path, "model 1")
    table.append(ROWS[:2])
    table.append(ROWS[2:])
    again = score_table.PartialTable(path, "model 1")
    assert list(again.rows.values()) == ROWS
    again.close()
    assert score_table.PartialTable(path, "model 1").rows == {}


def test_a_row_cut_by_a_kill_is_scored_again(tmp_path):
    path = str(tmp_path / "scores.csv")
    score_table.PartialTable(path, "model").append(ROWS)
    with open(f"{path}.part", "rb+") as file:
        file.truncate(len(file.read()) - 2)
    assert list(score_table.PartialTable(path, "model").rows) == [
        "a,\n.png",
        "b.png",
    ]


def test_another_source_starts_anew(tmp_path):
    path = str(tmp_path / "scores.csv")
    score_table.PartialTable(path, "model 1").append(ROWS)
    assert score_table.PartialTable(path, "model 2").rows == {}


def test_a_file_that_changed_is_scored_again(tmp_path):
    image, path = tmp_path / "a.png", str(tmp_path / "scores.csv")
    row = score_table.Row(str(image), status="empty file")
    image.write_bytes(b"")
    os.utime(image, (1, 1))
    score_table.PartialTable(path, "model").append([row])
    assert score_table.PartialTable(path, "model").rows == {row.path: row}
    later = time.time() + 9
    os.utime(image, (later, later))
    assert score_table.PartialTable(path, "model").rows == {}
