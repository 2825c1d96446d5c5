import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts

from ganad_tf.gan import corruptions


def corrupt(images, seed=0, **arguments):
    return corruptions.corrupt(
        tf.constant(images), seed=tf.constant([seed, 7]), **arguments
    ).numpy()


@pytest.mark.parametrize("channels", [1, 3])
def test_corrupted_images_are_images(channels):
    images = make_parts(16, seed=0, channels=channels)
    found = corrupt(images)
    assert found.shape == images.shape and found.dtype == np.float32
    assert np.abs(found).max() <= 1.0


def test_a_seed_fixes_the_defects():
    images = make_parts(16, seed=0)
    np.testing.assert_array_equal(corrupt(images), corrupt(images))
    assert not np.array_equal(corrupt(images), corrupt(images, seed=1))


def test_defects_are_local_and_some_images_stay_clean():
    images = make_parts(300, seed=0)
    changed = np.abs(corrupt(images) - images) > 0.02
    share = changed.mean(axis=(1, 2, 3))
    assert 0.2 < (share == 0).mean() < 0.6
    assert np.median(share[share > 0]) < 0.2


def test_every_image_is_corrupted_if_asked_for():
    images = make_parts(100, seed=0)
    changed = np.abs(corrupt(images, at_least=1) - images).max(axis=(1, 2, 3))
    # A few shifted or blurred pieces fall on even ground and leave no trace.
    assert (changed > 0.02).mean() > 0.85


@pytest.mark.parametrize("kind", corruptions._KINDS)
def test_every_kind_does_something(kind):
    images = tf.constant(make_parts(50, seed=0))
    dice = corruptions._Dice(tf.constant([0, 1]), tf.shape(images)[0])
    others = tf.roll(images, 1, axis=0)
    changed = np.abs(kind(images, others, dice, 32) - images).max(
        axis=(1, 2, 3)
    )
    assert (changed > 0.02).mean() > 0.5


def test_an_images_defects_are_drawn_whatever_the_other_images_show():
    images = make_parts(16, seed=0)
    others = images.copy()
    others[8:] = 0.0
    # Row 0 borrows from the last row; rows 1 to 7 from rows 0 to 6.
    np.testing.assert_array_equal(corrupt(images)[2:8], corrupt(others)[2:8])
