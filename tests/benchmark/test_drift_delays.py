import numpy as np
import pytest

from ganad_tf.benchmark import drift_delays


@pytest.fixture(scope="module")
def outcomes():
    generator = np.random.default_rng(0)
    good = generator.normal(size=[200, 3])
    measured = {
        drift_delays.UNCHANGED: good,
        "gain 0.8": good + 8.0,
        drift_delays.DEFECTS: generator.normal(9.0, 1.0, [30, 3]),
    }
    found = drift_delays.simulate(measured, np.ones(3), num_lines=6, seed=0)
    return {outcome.drift: outcome for outcome in found}


def test_permutations_of_unchanged_images_raise_no_alarm(outcomes):
    unchanged = outcomes[drift_delays.UNCHANGED]
    assert unchanged.verdicts["unchanged"] == 6
    assert unchanged.any_delay is None and unchanged.moved_delay is None


def test_a_drift_is_told_and_so_are_defects(outcomes):
    drift = outcomes["gain 0.8"]
    assert drift.verdicts["moved"] == 6
    assert 1 <= drift.any_delay <= 15 < drift.moved_delay < 100
    defects = outcomes[drift_delays.DEFECTS]
    assert defects.verdicts["moved"] == 0


def test_the_table_has_a_line_for_each_drift(outcomes):
    lines = drift_delays.markdown(outcomes.values()).splitlines()
    assert len(lines) == 2 + 3
    assert lines[2] == "| unchanged | 6 | 0 | 0 | – | – |"
