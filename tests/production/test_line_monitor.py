import numpy as np
import pytest

from ganad_tf.detector.calibration import conformal_p_values
from ganad_tf.production import line_monitor


def monitored(scores, calibration, **looks):
    return line_monitor.monitor(
        conformal_p_values(calibration, scores),
        scores,
        [f"{row}.png" for row in range(len(scores))],
        num_calibration=len(calibration),
        looks=looks,
    )


def drawn(seed, num_images=400, num_calibration=100):
    generator = np.random.default_rng(seed)
    scores = generator.gamma(4.0, size=num_images + num_calibration)
    return scores[num_calibration:], scores[:num_calibration], generator


def test_permutations_of_unchanged_images_raise_no_alarm():
    scores, calibration, generator = drawn(0)
    pool = np.concatenate([scores, calibration])
    verdicts = []
    for _ in range(25):
        mixed = generator.permutation(pool)
        verdicts.append(monitored(mixed[40:], mixed[:40]).verdict)
    # With probability .97 at least, none of 25 does.
    assert set(verdicts) == {line_monitor.UNCHANGED}


def test_more_defects_are_told_from_a_line_that_moved():
    scores, calibration, generator = drawn(1, 700)
    defective = generator.uniform(size=700) < 0.1
    defective[:100] = False
    with_defects = np.where(defective, scores + 15.0, scores)
    found = monitored(with_defects, calibration)
    assert found.verdict == line_monitor.MORE_DEFECTS
    assert [alarm.kind for alarm in found.alarms] == ["any"]
    assert found.onset >= 50


@pytest.mark.parametrize("shift, delay", [(20.0, 80), (2.5, 300), (-2.5, 300)])
def test_a_line_that_moved_is_told(shift, delay):
    scores, calibration, _ = drawn(2)
    scores[100:] += shift
    found = monitored(scores, calibration)
    assert found.verdict == line_monitor.MOVED
    assert 80 <= found.onset <= 130
    assert all(alarm.step <= 100 + delay for alarm in found.alarms)
    assert not found.is_usual[100:].any() or abs(shift) < 3


def test_other_light_is_told_by_looks_alone():
    scores, calibration, generator = drawn(4)
    brightness = generator.normal(size=len(scores))
    unchanged = monitored(scores, calibration, brightness=brightness)
    assert unchanged.verdict == line_monitor.UNCHANGED
    brightness[100:] -= 1.5
    found = monitored(scores, calibration, brightness=brightness)
    assert found.verdict == line_monitor.MOVED
    assert 80 <= found.onset <= 120
    assert [alarm.kind for alarm in found.alarms] == ["moved"]
    assert found.alarms[0].step < 160


def test_looks_of_unchanged_images_raise_no_alarm():
    scores, calibration, generator = drawn(5)
    verdicts = {
        monitored(
            generator.permutation(scores),
            calibration,
            **{name: generator.normal(size=len(scores)) for name in "abcd"},
        ).verdict
        for _ in range(25)
    }
    assert verdicts == {line_monitor.UNCHANGED}


def test_looks_of_defects_are_not_those_of_the_line():
    scores, calibration, generator = drawn(6)
    looks = generator.normal(size=len(scores))
    defective = generator.uniform(size=len(scores)) < 0.15
    found = monitored(
        np.where(defective, scores + 15.0, scores),
        calibration,
        brightness=np.where(defective, looks + 9.0, looks),
    )
    assert found.verdict == line_monitor.MORE_DEFECTS


def test_looks_that_nobody_knows_change_nothing():
    scores, calibration, _ = drawn(7)
    unknown = np.full(len(scores), np.nan)
    with_one, without = (
        monitored(scores, calibration, **looks)
        for looks in ({"brightness": unknown}, {})
    )
    assert with_one.verdict == without.verdict


def test_the_verdict_does_not_depend_on_later_images():
    scores, calibration, _ = drawn(3)
    scores[100:] += 3.0
    whole, part = (
        monitored(scores, calibration),
        monitored(scores[:200], calibration),
    )
    for kind in ("any", "moved"):
        np.testing.assert_allclose(
            whole.log_capital[kind][:200], part.log_capital[kind]
        )
