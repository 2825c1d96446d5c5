import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import scratch

from ganad_tf.detector import detector
from ganad_tf.serving import speed_dial


@pytest.fixture(scope="module")
def batches():
    return [make_parts(48, seed=1)], [make_parts(24, seed=2)]


@pytest.fixture(scope="module")
def fast(parts_detector, batches):
    return speed_dial.refit(parts_detector, *batches, num_steps=0)


def test_calibration_is_never_that_of_another_setting(
    fast, parts_detector, batches
):
    assert fast.inverter.num_steps == 0
    assert parts_detector.inverter.num_steps == 2
    scores = fast.detect(batches[1][0]).anomaly_scores
    np.testing.assert_allclose(
        np.sort(scores), fast.calibrator_.scores_, rtol=1e-4
    )
    before = parts_detector.calibrator_.scores_
    assert not np.allclose(fast.calibrator_.scores_, before, rtol=1e-4)


def test_a_refit_is_what_a_fit_from_the_start_gives(
    fast, parts_detector, batches
):
    fresh = detector.for_method(
        parts_detector.gan,
        method="joint",
        aligned=True,
        alpha=0.1,
        num_steps=0,
    ).fit(*batches)
    assert fresh.get_config() == fast.get_config()
    np.testing.assert_array_equal(
        fresh.calibrator_.scores_, fast.calibrator_.scores_
    )


def test_a_setting_is_measured(fast):
    parts = make_parts(8, seed=3)
    images = np.concatenate([parts, scratch(parts)])
    row = speed_dial.measure(
        fast,
        tf.data.Dataset.from_tensor_slices(images).batch(4),
        np.repeat([0, 1], 8),
    )
    assert row["num_steps"] == 0 and row["auroc"] > 0.95
    assert row["images_per_second"] > 0
    assert row["threshold"] == fast.calibrator_.threshold_
