import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from ganad_tf.detector import residual_statistics
from ganad_tf.detector.residual_statistics import ResidualStatistics


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_blur_equals_scipy():
    images = noise(2, 20, 24, 3)
    found = residual_statistics.gaussian_blur(tf.constant(images), sigma=2.0)
    expected = ndimage.gaussian_filter(images, (0, 2, 2, 0), mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def fitted(aligned):
    images = noise(60, 16, 16, 1)
    pairs = [(images[:40], 0 * images[:40]), (images[40:], 0 * images[40:])]
    return ResidualStatistics(aligned=aligned).fit(pairs), images


@pytest.mark.parametrize("aligned", [True, False])
def test_qualified_residuals_are_of_unit_size(aligned):
    statistics, images = fitted(aligned)
    maps = statistics.anomaly_maps(images, 0 * images).numpy()
    assert 0.75 < np.sqrt(np.mean(maps**2)) < 1.05


def test_aligned_statistics_are_those_of_each_pixel():
    statistics, images = fitted(aligned=True)
    band = ndimage.gaussian_filter(
        images, (0, 1, 1, 0), mode="mirror"
    ) - ndimage.gaussian_filter(images, (0, 4, 4, 0), mode="mirror")
    np.testing.assert_allclose(
        statistics.location_, band.mean(axis=0), atol=1e-4
    )
    deviation = band.std(axis=0)
    np.testing.assert_allclose(
        statistics.scale_, deviation + 0.1 * deviation.mean(), atol=1e-4
    )


def test_brightness_does_not_count_for_aligned_parts():
    statistics, images = fitted(aligned=True)
    plain = statistics.anomaly_maps(images, 0 * images)
    brighter = statistics.anomaly_maps(images + 0.5, 0 * images)
    np.testing.assert_allclose(plain, brighter, atol=1e-3)


def test_a_defect_is_found_where_it_is():
    statistics, images = fitted(aligned=True)
    images = images.copy()
    images[0, 4:7, 9:12] += 8.0
    maps = statistics.anomaly_maps(images, 0 * images).numpy()
    row, column = np.unravel_index(maps[0].argmax(), [16, 16])
    assert 4 <= row < 7 and 9 <= column < 12
    errors = statistics.reconstruction_errors(tf.constant(maps)).numpy()
    assert errors[0] == errors.max()


def test_the_error_is_the_mean_of_the_largest_hundredth():
    statistics, _ = fitted(aligned=True)
    maps = np.abs(noise(3, 20, 20))
    largest = np.sort(maps.reshape(3, -1), axis=1)[:, -4:].mean(axis=1)
    found = statistics.reconstruction_errors(tf.constant(maps))
    np.testing.assert_allclose(found, largest, rtol=1e-5)


def test_the_blur_of_large_images_equals_that_of_small_ones(monkeypatch):
    monkeypatch.setattr(residual_statistics, "MAX_MATRIX_SIDE", 32)
    monkeypatch.setattr(residual_statistics, "BLOCK", 16)
    images = noise(1, 50, 60, 2)
    found = residual_statistics.gaussian_blur(tf.constant(images), sigma=3.0)
    expected = ndimage.gaussian_filter(images, (0, 3, 3, 0), mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_scale_is_the_finest_that_is_reconstructed():
    coarse = ndimage.gaussian_filter(
        noise(8, 64, 64, 1), (0, 4, 4, 0), mode="mirror"
    )
    images = 10.0 * coarse + noise(8, 64, 64, 1, seed=1)
    shares = residual_statistics.explained_variances([(images, 10.0 * coarse)])
    assert shares[1.0] < 0.9 < shares[9.0] <= 1.0
    assert residual_statistics.choose_sigma(shares) > 1.0
    exact = residual_statistics.explained_variances([(images, images)])
    assert residual_statistics.choose_sigma(exact) == 1.0
