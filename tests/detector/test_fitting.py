import numpy as np
import pytest
import tensorflow as tf
from conftest import fitted_detector
from conftest import make_parts
from scipy import stats

from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.detector.anomaly_maps import EXPONENT
from ganad_tf.detector.detector import build_detector
from ganad_tf.detector.fusion import PartFusion
from ganad_tf.errors import UserError
from ganad_tf.score_parts import RESIDUAL


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
        tf.py_function(
            lambda n: inverted.append(int(n)), [tf.shape(images)[0]], []
        )
        return invert(images)

    monkeypatch.setattr(made.image_inverter, "invert", counted)
    once = iter([make_parts(24, seed=2)])  # an iterator ends after one pass
    training = iter([make_parts(10, seed=1), make_parts(6, seed=3)])
    made.fit(training, once)
    assert inverted == [10, 6, 24]


def test_the_calibration_is_that_of_images_as_if_they_were_new():
    made = fitted_detector()
    parts = make_parts(24, seed=2)
    measures = made.measure(parts, made.invert(parts))
    expected = PartFusion(made.fusion_.weights).fit(measures.log_parts)
    np.testing.assert_allclose(
        np.sort(expected), made.calibrator_.scores_, rtol=1e-4
    )


@pytest.fixture(scope="module")
def calibrated():
    """A detector with a field, its calibration images, what it measures."""
    parts = make_parts(24, seed=2)
    made = synthetic.fit_small_detector(make_parts(40, seed=1), parts)
    return made, parts, made.measure(parts, made.invert(parts))


def test_a_calibration_map_is_scaled_by_those_of_the_other_images(calibrated):
    made, _, measures = calibrated
    maps = measures.maps.numpy()
    assert maps.shape[-1] == 2
    tails = np.quantile(maps, 0.99, axis=(1, 2))
    scales = [np.delete(tails, r, axis=0).mean(axis=0) for r in range(24)]
    peaks = [
        np.max(stats.pmean(maps[r] / scales[r], EXPONENT, axis=-1))
        for r in range(24)
    ]
    # The level of all merged maps is one number.
    merged = stats.pmean(maps / tails.mean(axis=0), EXPONENT, axis=-1)
    level = np.quantile(merged, 0.99, axis=(1, 2)).mean()
    np.testing.assert_allclose(
        np.sort(peaks) / level, made.map_calibrator_.scores_, rtol=1e-4
    )


def test_a_distance_of_a_calibration_image_is_combined_as_if_it_were_new(
    calibrated,
):
    made, parts, measures = calibrated
    found = made.frechet_scores_as_if_new(made.detect(parts))
    log_parts = measures.log_parts.numpy()
    counted = [name != RESIDUAL.field for name in made.parts]
    for row in (3, 17):
        others = PartFusion(made.fusion_.weights)
        others.fit(np.delete(log_parts, row, axis=0))
        (expected,) = others.distances(log_parts[row : row + 1], counted)
        assert found[row] == pytest.approx(float(expected), rel=1e-4)


def test_distances_without_a_field_need_no_others(parts_detector):
    detection = parts_detector.detect(make_parts(3, seed=2))
    np.testing.assert_array_equal(
        parts_detector.frechet_scores_as_if_new(detection),
        detection.frechet_scores,
    )
