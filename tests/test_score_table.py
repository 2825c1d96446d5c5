import csv

from ganad_tf.score_table import Row
from ganad_tf.score_table import to_csv


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
