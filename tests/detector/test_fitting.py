import numpy as np
import pytest
import tensorflow as tf
from conftest import fitted_detector
from conftest import make_parts

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.detector.detector import build_detector
from ganad_tf.detector.fusion import PartFusion
from ganad_tf.errors import UserError


@pytest.fixture(scope="module")
def images():
    parts = make_parts(8, seed=7)
    return tf.constant(np.concatenate([parts, scratch(parts)]))


def test_too_few_calibration_images_are_an_error(parts_detector):
    made = build_detector(parts_detector.gan, method="joint", alpha=0.05)
    parts = make_parts(18, seed=0)
    with pytest.raises(UserError, match="Too few calibration images"):
        made.fit([parts], [parts])


def test_p_values_of_new_qualified_images_are_uniform(parts_detector):
    p_values = parts_detector.detect(make_parts(200, seed=11)).p_values.numpy()
    # Bands of both empirical distributions, of 24 and of 200 images.
    bound = 1.36 * np.sqrt(1 / 24 + 1 / 200)
    for alpha in np.linspace(0.1, 0.9, 9):
        assert abs(np.mean(p_values <= alpha) - alpha) < bound


def test_a_hundredth_of_qualified_pixels_is_above_one(parts_detector):
    maps = parts_detector.detect(make_parts(100, seed=12)).anomaly_maps.numpy()
    assert np.quantile(maps, 0.99, axis=(1, 2)).mean() == pytest.approx(1, 0.1)


def test_a_second_fit_forgets_the_first(images):
    made = fitted_detector()
    before = made.detect_batches([images]).anomaly_scores
    noisy = make_parts(48, seed=3) + np.random.default_rng(0).normal(
        0.0, 0.1, [48, 32, 32, 1]
    ).astype(np.float32)
    after = made.fit([noisy[:24]], [noisy[24:]]).detect_batches([images])
    assert np.median(after.anomaly_scores) < np.median(before)
    np.testing.assert_allclose(
        after.anomaly_scores, made.detect(images).anomaly_scores, rtol=1e-4
    )


@pytest.mark.parametrize("method", ["joint", "paper"])
def test_each_image_is_inverted_once(method, monkeypatch):
    made = fitted_detector(method=method)
    inverted = []
    invert = made.image_inverter.invert

    def counted(images):
        tf.py_function(lambda n: inverted.append(int(n)), [len(images)], [])
        return invert(images)

    monkeypatch.setattr(made.image_inverter, "invert", counted)
    once = iter([make_parts(24, seed=2)])  # an iterator ends after one pass
    training = iter([make_parts(10, seed=1), make_parts(6, seed=3)])
    made.fit(training, once)
    assert inverted == [10, 6, 24]


def test_the_calibration_is_that_of_images_as_if_they_were_new():
    made = fitted_detector()
    parts = make_parts(24, seed=2)
    detection = made.detect_batches([parts])
    measures = made.measure(parts, made.invert(parts))
    expected = PartFusion(made.fusion_.weights).fit(measures.log_parts)
    np.testing.assert_allclose(
        np.sort(expected), made.calibrator_.scores_, rtol=1e-4
    )
    peaks = detection.anomaly_maps.max(axis=(1, 2))
    np.testing.assert_allclose(
        np.sort(peaks), made.map_calibrator_.scores_, rtol=1e-4
    )
