import numpy as np
import pytest
import references
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ganad_tf.detector import calibration
from ganad_tf.detector.calibration import ConformalCalibrator

SCORES = st.lists(st.integers(-20, 20), min_size=1, max_size=30)


@settings(max_examples=50, deadline=None)
@given(SCORES, SCORES)
def test_p_values_equal_a_count_with_ties(calibration_scores, scores):
    found = calibration.conformal_p_values(
        np.array(calibration_scores, float), np.array(scores, float)
    )
    expected = [references.p_value(calibration_scores, s) for s in scores]
    np.testing.assert_allclose(found, expected)
    assert (found > 0).all() and (found <= 1).all()


@settings(max_examples=30, deadline=None)
@given(SCORES)
def test_p_values_fall_with_the_score_and_ignore_the_order(values):
    values = np.array(values, float)
    scores = np.linspace(-25, 25, 40)
    found = calibration.conformal_p_values(values, scores)
    assert (np.diff(found) <= 0).all()
    reverse = calibration.conformal_p_values(values[::-1], scores)
    np.testing.assert_array_equal(found, reverse)


def test_rounding_does_not_move_a_p_value():
    values = np.array([1.0, 2.0, 3.0])
    for factor in (1 - 1e-7, 1.0, 1 + 1e-7):
        assert calibration.conformal_p_values(
            values, values * factor
        ).tolist() == [1.0, 0.75, 0.5]


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
def test_false_alarms_stay_at_alpha_for_exchangeable_scores(alpha):
    generator = np.random.default_rng(0)
    rates = []
    for _ in range(2000):
        scores = generator.normal(size=60)
        calibrator = ConformalCalibrator(alpha=alpha).fit(scores[:39])
        rates.append(calibrator.is_defective(scores[39:]).mean())
    # Standard error of the mean is below .002.
    assert abs(np.mean(rates) - alpha) < 0.006


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-9, 9), min_size=19, max_size=60), st.floats(-9, 9))
def test_threshold_and_p_value_decide_alike(values, score):
    calibrator = ConformalCalibrator(alpha=0.05).fit(np.array(values))
    edge = calibrator.threshold_
    if abs(score - edge) > 1e-3:
        decision = calibrator.is_defective(np.array([score]))[0]
        assert decision == (score > edge)


def test_unreachable_alpha_says_how_many_images_are_needed():
    ConformalCalibrator(alpha=0.05).fit(np.arange(19.0))
    with pytest.raises(ValueError, match=r"1/\(18 \+ 1\).*at least 19"):
        ConformalCalibrator(alpha=0.05).fit(np.arange(18.0))


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_alpha_out_of_range_is_an_error(alpha):
    with pytest.raises(ValueError, match=f"alpha={alpha}"):
        ConformalCalibrator(alpha=alpha)


def test_scores_that_are_not_finite_are_an_error():
    with pytest.raises(ValueError, match="1 not finite"):
        calibration.conformal_p_values(np.array([1.0, np.inf]), np.zeros(1))
