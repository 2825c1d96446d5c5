import types

import pytest

from ganad_tf.benchmark import chain
from ganad_tf.benchmark import contamination
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError


@pytest.fixture
def measured(mvtec_folder, tmp_path, monkeypatch):
    """Runs of stubs: a defect among the training images costs .01 AUROC."""
    tests = set()

    def run_chain(data, folder, *, seed, settings, trim):
        files = list_images(data)
        bad = [f for f in files if f.part == "train" and "scratch" in f.name]
        tests.add(tuple(f.name for f in files if f.part == "test"))
        results = {
            "auroc": {"anomaly_score": 0.9 - 0.01 * len(bad) * (not trim)},
            "overkill_rate": 0.0,
            "overkill_rate_ci95": [0.0, 0.4],
            "overkill_rate_expected95": [0.0, 0.3],
        }
        failed = settings.get("fails")
        return chain.Outcome(results, "it failed" if failed else None, [])

    def look_first(data, model_dir, output):
        files = [file for file in list_images(data) if file.part == "train"]
        files.sort(key=lambda file: "scratch/part" not in file.name)
        return types.SimpleNamespace(files=files, num_outliers=1)

    monkeypatch.setattr(chain, "run_chain", run_chain)
    monkeypatch.setattr(contamination.first_look, "look_first", look_first)

    def run(**settings):
        rows = contamination.measure(
            [mvtec_folder],
            str(tmp_path / "runs"),
            shares=(0.0, 0.05, 0.2),
            seeds=(0,),
            settings=settings,
        )
        return rows, tests

    return run


def test_defects_are_planted_and_the_test_is_the_same(measured):
    rows, tests = measured()
    # Of eight defective images half may be planted, and are never tested.
    assert [row.num_planted for row in rows] == [0, 0, 3, 3, 4, 4]
    assert [row.trim for row in rows] == [False, True] * 3
    assert len(tests) == 1 and len(next(iter(tests))) == 8 + 4
    assert [row.found for row in rows[1::2]] == [None, 1.0, 1.0]


def test_the_table_says_what_defects_cost(measured):
    lines = contamination.markdown(measured()[0]).splitlines()
    assert len(lines) == 2 + 6
    assert lines[4].endswith(
        " | 0 | 3 | no | 0.870 | 0.030 | 0.0 % (0.0 to 40.0) | inside 0.0 to "
        "30.0 | 100.0 % |"
    )
    assert " | yes | 0.900 | 0.000 | " in lines[5]


def test_a_run_that_fails_is_named(measured):
    with pytest.raises(UserError, match="runs.*: it failed"):
        measured(fails=1)
