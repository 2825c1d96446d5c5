import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from ganad_tf.benchmark import drifts

DRIFTS = drifts.all_drifts()


@pytest.fixture(scope="module")
def images():
    pixels = np.random.default_rng(0).integers(40, 200, [3, 24, 32, 3])
    return tf.constant(pixels / 127.5 - 1.0, tf.float32)


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_gives_other_images_of_the_same_kind(name, images):
    drifted = DRIFTS[name](images)
    assert drifted.shape == images.shape and drifted.dtype == tf.float32
    assert tf.reduce_max(tf.abs(drifted)) <= 1.0
    assert tf.reduce_mean(tf.abs(drifted - images)) > 1e-3
    alone = DRIFTS[name](images[:1])
    if not name.startswith("noise"):
        np.testing.assert_allclose(alone, drifted[:1], atol=1e-6)


def test_gain_offset_and_shift_are_what_they_say(images):
    pixels = np.asarray((images + 1.0) * 127.5)

    def drifted(name):
        return np.asarray((DRIFTS[name](images) + 1.0) * 127.5)

    np.testing.assert_allclose(drifted("gain 0.9"), 0.9 * pixels, atol=0.51)
    np.testing.assert_allclose(drifted("offset 0.1"), pixels + 25.5, atol=0.51)
    np.testing.assert_allclose(
        drifted("shift 2")[:, :-2, :-2], pixels[:, 2:, 2:], atol=0.51
    )
    blurred = ndimage.gaussian_filter(
        pixels, (0, 1, 1, 0), mode="reflect", truncate=4
    )
    np.testing.assert_allclose(drifted("blur 1"), blurred, atol=1.0)
    assert np.all(drifted("dead_column 0.4")[:, :, 12] == 0)
