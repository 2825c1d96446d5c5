import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from sklearn.covariance import EmpiricalCovariance

from ganad_tf.detector import band_statistics
from ganad_tf.detector.band_statistics import BandStatistics


def textures(count, seed):
    noise = np.random.default_rng(seed).normal(size=(count, 48, 48, 1))
    return (0.2 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    return BandStatistics().fit([textures(16, 0), textures(16, 1)])


def test_features_are_relative_log_energies_of_the_bands():
    image = textures(1, 0)
    found = BandStatistics()._features(tf.constant(image))[0, ..., 0]
    fine = image[0, ..., 0]
    band = fine - ndimage.gaussian_filter(fine, 1.0, mode="mirror")
    energy = ndimage.gaussian_filter(band**2, 4.0, mode="mirror")
    expected = np.log(energy + band_statistics.MIN_ENERGY)
    assert abs(np.median(found[::4, ::4])) < 0.05
    difference = found - expected
    assert np.ptp(difference) < 1e-3


def test_maps_are_mahalanobis_distances(fitted):
    images = textures(4, 2)
    features = [
        np.asarray(fitted._features(tf.constant(part))).reshape(-1, 5)
        for part in (textures(16, 0), textures(16, 1), images)
    ]
    reference = EmpiricalCovariance().fit(np.concatenate(features[:2]))
    expected = np.sqrt(reference.mahalanobis(features[2]))
    maps = fitted.anomaly_maps(tf.constant(images)) * fitted.level_
    found = np.ravel(maps)
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.02)


def test_borders_of_qualified_images_do_not_stand_out():
    fitted = BandStatistics().fit([textures(100, 0)])
    maps = np.square(fitted.anomaly_maps(tf.constant(textures(100, 2))))
    inside = maps[:, 8:-8, 8:-8].mean()
    border = [maps[:, :2], maps[:, -2:], maps[:, :, :2], maps[:, :, -2:]]
    for side in border:
        assert side.mean() == pytest.approx(inside, rel=0.25)
    level = np.square(fitted.level_)
    assert level[:2].mean() > 1.5 * level[8:-8, 8:-8].mean()


def test_the_level_of_few_images_is_that_of_all_pixels():
    level = BandStatistics().fit([textures(1, 0)]).level_
    assert np.std(level) < 0.2 * np.mean(level)


def test_a_patch_of_other_detail_stands_out(fitted):
    images = textures(8, 3)
    images[0, 16:32, 16:32] *= 0.2
    maps = fitted.anomaly_maps(tf.constant(images))
    scores = fitted.band_energies(maps).numpy()
    row, column = np.unravel_index(np.argmax(maps[0]), [48, 48])
    assert scores.argmax() == 0
    assert 14 <= row < 34 and 14 <= column < 34


def test_brightness_does_not_count(fitted):
    images = textures(4, 4)
    scores = [
        fitted.band_energies(fitted.anomaly_maps(tf.constant(part)))
        for part in (images, images + 0.3)
    ]
    np.testing.assert_allclose(*scores, rtol=1e-3)


def test_an_image_scores_the_same_alone(fitted):
    images = textures(6, 5)
    together = fitted.anomaly_maps(tf.constant(images))
    alone = fitted.anomaly_maps(tf.constant(images[2:3]))
    np.testing.assert_allclose(together[2:3], alone, rtol=1e-4, atol=1e-4)
