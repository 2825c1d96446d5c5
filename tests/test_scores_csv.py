import csv
import io

import pytest

from ganad_tf.score_parts import SCALARS
from ganad_tf.score_parts import SCORE_PARTS
from ganad_tf.score_parts import UNJUDGED_SCORE
from ganad_tf.scores_csv import COLUMNS
from ganad_tf.scores_csv import Row
from ganad_tf.scores_csv import scored_row
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


def test_a_row_that_was_not_judged_is_defective_and_says_so():
    scalars = {**dict.fromkeys(SCALARS, 0.5), "is_defective": False}
    assert scored_row("a.png", scalars).status == "ok"
    scalars |= {"anomaly_score": UNJUDGED_SCORE, "is_defective": True}
    row = scored_row("a.png", scalars, "spot")
    assert "not judged" in row.status and row.is_defective is True
    assert row.p_value == 0.5 and row.label == "spot"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scalars_of_an_old_model_that_are_not_finite_are_a_defect(value):
    scalars = {**dict.fromkeys(SCALARS, 1.0), "is_defective": False}
    row = scored_row("a.png", scalars | {"anomaly_score": value})
    assert row.is_defective is True and "not judged" in row.status
    assert row.anomaly_score is None and row.p_value is None
