import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.detector import unjudged
from ganad_tf.detector.calibration import conformal_p_values
from ganad_tf.score_parts import MAP_LIMIT
from ganad_tf.score_parts import UNJUDGED_SCORE

VALUES = [np.nan, np.inf, -np.inf, 1e30, -1e30]


@pytest.fixture(scope="module")
def parts():
    qualified = make_parts(4, seed=5)
    return np.concatenate([qualified, scratch(qualified)])


def with_pixel(images: np.ndarray, row: int, value: float) -> np.ndarray:
    changed = images.copy()
    changed[row, 3, 7, 0] = value
    return changed


def assert_rejected(detection, row: int, num_calibration: int) -> None:
    for values in detection:
        assert np.isfinite(np.asarray(values, np.float64)).all()
    assert detection.anomaly_scores[row] == np.float32(UNJUDGED_SCORE)
    assert detection.anomaly_scores[row] == np.max(detection.anomaly_scores)
    np.testing.assert_allclose(
        detection.p_values[row], 1.0 / (num_calibration + 1), rtol=1e-6
    )
    assert detection.is_defective[row]
    assert (np.asarray(detection.anomaly_maps)[row] == MAP_LIMIT).all()


@pytest.mark.parametrize("value", VALUES)
def test_one_impossible_pixel_is_a_defect(parts_detector, parts, value):
    given = with_pixel(parts, 1, value)
    expected = parts_detector.detect_batches([parts])
    others = np.arange(len(parts)) != 1
    for detection in (
        parts_detector.detect(tf.constant(given)),
        parts_detector.detect_batches([given]),
    ):
        assert_rejected(detection, 1, num_calibration=24)
        for found, wanted in zip(detection, expected, strict=True):
            np.testing.assert_allclose(
                np.asarray(found)[others], wanted[others], 1e-4, 1e-3
            )


def test_slight_overshoot_is_judged(parts_detector, parts):
    found = parts_detector.detect(with_pixel(parts, 1, 1.2)).anomaly_scores
    assert found[1] < UNJUDGED_SCORE


@pytest.mark.parametrize("field", ["anomaly_scores", "anomaly_maps"])
def test_what_overflows_inside_is_a_defect(parts_detector, parts, field):
    detect = super(type(parts_detector), parts_detector).detect

    def overflowing(images):
        detection = detect(images)
        values = getattr(detection, field).numpy()
        values[2] = np.nan
        return detection._replace(**{field: tf.constant(values)})

    detection = unjudged.judge_or_reject(
        overflowing, tf.constant(parts), least_p_value=0.04
    )
    assert_rejected(detection, 2, num_calibration=24)
    assert not (detection.anomaly_scores.numpy()[[0, 1, 3]] > 1e9).any()


def test_numpy_gives_the_least_p_value_to_what_is_not_finite():
    p_values = conformal_p_values(np.arange(9.0), np.array(VALUES[:3]))
    np.testing.assert_allclose(p_values, 0.1)
