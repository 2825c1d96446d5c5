import csv
import io

from ganad_tf.score_parts import SCORE_PARTS
from ganad_tf.scores_csv import COLUMNS
from ganad_tf.scores_csv import Row
from ganad_tf.scores_csv import to_csv


def test_columns_are_those_of_the_contract():
    assert to_csv([]).strip() == (
        "path,label,anomaly_score,frechet_score,reconstruction_error,p_value,"
        "is_defective,status"
    )
    assert Row._fields == COLUMNS
    assert COLUMNS[2:5] == tuple(part.name for part in SCORE_PARTS)


def test_numbers_have_seven_digits_and_decisions_are_0_or_1():
    rows = [
        Row("a,b.png", "good", 1 / 3, 2.0, 3e-9, 0.5, False),
        Row("c.png", status="empty file"),
    ]
    first, second = csv.DictReader(io.StringIO(to_csv(rows)))
    assert first["path"] == "a,b.png"
    assert first["anomaly_score"] == "0.3333333"
    assert first["is_defective"] == "0" and first["status"] == "ok"
    assert second["anomaly_score"] == second["is_defective"] == ""
