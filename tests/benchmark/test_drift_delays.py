import numpy as np
import pytest

from ganad_tf.benchmark import drift_delays
from ganad_tf.benchmark import drifts
from ganad_tf.benchmark.drift_delays import Seen
from ganad_tf.production.appearance import LOOKS


@pytest.fixture(scope="module")
def outcomes():
    generator = np.random.default_rng(0)
    good = generator.normal(size=[200, 3])
    looks = generator.normal(size=[200, 4])
    defects = generator.normal(9.0, 1.0, [30, 3])
    measured = {
        drift_delays.UNCHANGED: Seen(good, looks),
        "gain 0.8": Seen(good + 8.0, looks),
        "offset 0.2": Seen(good, looks + [0.0, 0.0, 2.0, 0.0]),
        drift_delays.DEFECTS: Seen(defects, looks[:30] + 9.0),
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


def test_other_light_is_told_that_the_detector_does_not_mind(outcomes):
    light = outcomes["offset 0.2"]
    assert light.verdicts["moved"] == 6
    assert light.any_delay <= light.moved_delay < 40


def test_images_are_measured_with_every_drift(parts_model):
    measured = drift_delays.measure(parts_model)
    names = [drift_delays.UNCHANGED, *drifts.all_drifts(), drift_delays.DEFECTS]
    assert list(measured) == names
    unchanged = measured[drift_delays.UNCHANGED]
    split = parts_model.split
    files = split.calibration + split.test_qualified
    assert unchanged.looks.shape == (len(files), len(LOOKS))
    darker = measured["gain 0.8"].looks - unchanged.looks
    assert (darker[:, LOOKS.index("brightness")] < 0).all()
    measures = parts_model.detector.measure_batch(
        next(iter(parts_model.batches(files)))
    )
    np.testing.assert_allclose(
        unchanged.log_parts, measures.log_parts, rtol=1e-4, atol=1e-4
    )
    assert len(measured[drift_delays.DEFECTS].looks) == len(
        split.test_defective
    )


def test_the_table_has_a_line_for_each_drift(outcomes):
    lines = drift_delays.markdown(outcomes.values()).splitlines()
    assert len(lines) == 2 + 4
    assert lines[2] == "| unchanged | 6 | 0 | 0 | – | – |"
