import numpy as np
import pytest
import scipy.fft
import tensorflow as tf

from ganad_tf.detector import band_energies
from ganad_tf.detector.band_energies import BANDS
from ganad_tf.detector.band_energies import ENERGIES
from ganad_tf.detector.band_energies import RELATIVE_BANDS
from ganad_tf.gan import pyramid


def noise(*shape, seed=0):
    values = np.random.default_rng(seed).normal(0.0, 0.2, shape)
    return tf.constant(values, tf.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_bands_have_a_value_for_each_filter(channels):
    bands = band_energies.band_energies(noise(2, 64, 96, channels))
    assert list(bands) == [*BANDS, *RELATIVE_BANDS]
    shapes = [tuple(bands[name].shape) for name in BANDS]
    assert shapes == [
        *[(2, 16, 24, 8)] * 3,
        (2, 8, 12, 8),
        (2, 4, 6, channels),
    ]


def test_filters_are_those_of_scipy():
    block = np.random.default_rng(1).normal(size=[3, 3])
    filters = band_energies.cosine_filters().reshape(9, 8)
    expected = scipy.fft.dctn(block, norm="ortho").ravel()[1:]
    np.testing.assert_allclose(block.ravel() @ filters, expected, rtol=1e-5)


def test_energies_of_noise_are_its_variance_at_the_finest_level():
    finest = band_energies.band_energies(noise(4, 128, 128, 3))[ENERGIES[0]]
    means = tf.reduce_mean(tf.exp(finest), axis=[0, 1, 2])
    np.testing.assert_allclose(means, 0.04 + 1e-5, rtol=0.05)


def test_an_energy_is_the_mean_square_in_its_window():
    image = noise(1, 32, 32, 1)
    padded = np.pad(image[0, ..., 0], 1, mode="symmetric")
    blocks = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    responses = blocks.reshape(
        32, 32, 9
    ) @ band_energies.cosine_filters().reshape(9, 8)
    # Windows of 8 px, 4 px apart, begin 2 px outside of the image.
    expected = np.log(np.square(responses[2:10, 6:14]).mean((0, 1)) + 1e-5)
    energies = band_energies.band_energies(image)[ENERGIES[0]]
    np.testing.assert_allclose(energies[0, 1, 2], expected, rtol=1e-4)


def test_brightness_is_the_coarsest_level_of_the_pyramid():
    images = noise(2, 32, 48, 3)
    np.testing.assert_array_equal(
        band_energies.band_energies(images)["brightness"],
        pyramid.gaussian_pyramid(images, num_levels=5)[-1],
    )


def test_contrast_and_light_do_not_count_where_bands_are_relative():
    # So strong that what 8 bits round away counts in no window.
    images = 10.0 * noise(2, 64, 64, 1)
    plain, other = (
        band_energies.band_energies(gain * images + offset)
        for gain, offset in ((1.0, 0.0), (1.5, 0.1))
    )
    for name in ENERGIES[:2]:
        relative = f"relative_{name}"
        np.testing.assert_allclose(plain[relative], other[relative], atol=5e-3)
        np.testing.assert_allclose(
            other[name] - plain[name], 2 * np.log(1.5), atol=5e-3
        )


def test_a_flat_image_is_finite():
    bands = band_energies.band_energies(tf.ones([1, 32, 32, 3]))
    assert all(np.isfinite(values).all() for values in bands.values())
    np.testing.assert_allclose(bands[ENERGIES[0]], np.log(1e-5), rtol=1e-5)


def test_an_image_does_not_depend_on_its_batch():
    images = noise(3, 32, 32, 3)
    together, alone = map(band_energies.band_energies, (images, images[1:2]))
    for name in together:
        np.testing.assert_allclose(together[name][1:2], alone[name], atol=1e-5)
