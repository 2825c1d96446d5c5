import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.detector.residual_statistics import ResidualMoments
from ganad_tf.detector.residual_statistics import ResidualStatistics


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def images():
    return noise(60, 16, 16, 2)


@pytest.fixture(scope="module")
def statistics(images):
    pairs = [(images[:40], 0 * images[:40]), (images[40:], 0 * images[40:])]
    return ResidualStatistics().fit(pairs)


def test_statistics_are_those_of_each_pixel(statistics, images):
    np.testing.assert_allclose(
        statistics.location_, images.mean(axis=0), atol=1e-5
    )
    deviation = images.std(axis=0)
    np.testing.assert_allclose(
        statistics.scale_, deviation + 0.1 * deviation.mean(), atol=1e-5
    )


def test_parts_merge_to_the_whole(statistics, images):
    merged = ResidualMoments()
    for part in (images[50:], images[:7], images[7:50]):
        moments = ResidualMoments()
        moments.update(part, 0 * part)
        merged.merge(moments)
    found = ResidualStatistics().fit_moments(merged)
    assert merged.count == 60
    np.testing.assert_allclose(
        found.location_, statistics.location_, rtol=1e-6, atol=1e-9
    )
    np.testing.assert_allclose(found.scale_, statistics.scale_, rtol=1e-6)


def test_maps_are_the_largest_channels_deviations(statistics, images):
    new = noise(3, 16, 16, 2, seed=1)
    reconstructions = images[:3]
    scaled = np.abs(new - reconstructions - statistics.location_)
    expected = (scaled / statistics.scale_).max(axis=-1)
    maps = statistics.anomaly_maps(new, reconstructions)
    np.testing.assert_allclose(maps, expected, rtol=1e-5)


def test_constant_pixels_are_no_defect():
    images = noise(30, 8, 8, 1)
    images[:, 0] = 0.5
    statistics = ResidualStatistics().fit([(images, 0 * images)])
    maps = statistics.anomaly_maps(images + 1e-4, 0 * images).numpy()
    assert maps[:, 0].max() < 0.01


def test_a_defect_is_found_where_it_is(statistics, images):
    images = images.copy()
    images[0, 4:7, 9:12] += 8.0
    maps = statistics.anomaly_maps(images, 0 * images).numpy()
    row, column = np.unravel_index(maps[0].argmax(), [16, 16])
    assert 4 <= row < 7 and 9 <= column < 12
    errors = statistics.reconstruction_errors(tf.constant(maps)).numpy()
    assert errors[0] == errors.max()


def test_the_error_is_the_mean_of_the_largest_hundredth(statistics):
    maps = np.abs(noise(3, 20, 20))
    largest = np.sort(maps.reshape(3, -1), axis=1)[:, -4:].mean(axis=1)
    measured = statistics.reconstruction_errors(tf.constant(maps))
    np.testing.assert_allclose(measured, largest, rtol=1e-5)
