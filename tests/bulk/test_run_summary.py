import itertools
import json

import numpy as np
import pytest

pytest.importorskip("apache_beam")

from ganad_tf.bulk import run_summary
from ganad_tf.bulk.shard_scoring import ScoredShard
from ganad_tf.scores_csv import Row


def rows():
    draw = np.random.default_rng(0)
    made = [
        Row(f"day{n % 3}/{n}.png", "", 1.0, 2.0, 3.0, p, bool(p <= 0.05))
        for n, p in enumerate((1 + draw.integers(100, size=60)) / 100)
    ]
    made[7] = Row("day1/7.png", status="corrupt: at byte 77")
    made[8] = Row("day2/8.png", status="5x9 px: expected at least 16x16")
    return made


def test_summaries_add_up_to_that_of_the_whole_in_any_order():
    whole = run_summary.summary_of(ScoredShard(0, rows(), 6, False))
    parts = [
        run_summary.summary_of(ScoredShard(n, rows()[n::3], 2, False))
        for n in range(3)
    ]
    for order in itertools.permutations(parts):
        first = run_summary.merge(order[:2])
        assert run_summary.merge([first, order[2]]) == whole


def test_counts_are_those_of_the_rows():
    found = run_summary.to_json(
        run_summary.summary_of(ScoredShard(0, rows(), 6, False))
    )
    assert found["images"] == 60 and found["skipped"] == 6
    assert found["statuses"] == {"NxN px": 1, "corrupt": 1, "ok": 58}
    defective = sum(bool(row.is_defective) for row in rows())
    assert found["decisions"]["defective"] == defective > 0
    assert found["decisions"]["none"] == 2
    p_values = [row.p_value for row in rows() if row.p_value]
    # Bins that hold their upper ends: those of the negated values.
    edges = -np.linspace(1, 0, 21) - 1e-9
    expected = np.histogram(-np.array(p_values), edges)[0][::-1]
    assert found["p_values"]["images"] == expected.tolist()
    assert found["folders"]["day1"]["images"] == 20
    assert found["folders"]["day1"]["unscored"] == 1
    assert sum(f["defective"] for f in found["folders"].values()) == defective


def test_a_summary_of_any_names_is_json():
    row = Row("d\udcff/a.png", status="empty file")
    summary = run_summary.summary_of(ScoredShard(0, [row], 0, False))
    text = json.dumps(run_summary.to_json(summary))
    assert list(json.loads(text)["folders"]) == ["d\udcff"]
