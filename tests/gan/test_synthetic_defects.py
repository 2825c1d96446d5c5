import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.gan import synthetic_defects
from ganad_tf.gan.synthetic_defects import paste_defects


def images(count=14, height=32, width=48, channels=1):
    noise = np.random.default_rng(0).normal(0.0, 0.3, [count, height, width, 1])
    return tf.constant(
        np.clip(noise + np.zeros(channels), -1, 1), dtype=tf.float32
    )


def test_a_seed_draws_the_same_defects_and_another_seed_others():
    first, again, other = (
        paste_defects(images(), images()[::-1], seed=[0, seed])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert np.abs(first.images - other.images).max() > 0.1


@pytest.mark.parametrize("channels", [1, 3])
def test_masks_are_where_pixels_changed(channels):
    qualified = images(channels=channels)
    defective = paste_defects(qualified, qualified[::-1], seed=[0, 3])
    assert defective.images.shape == qualified.shape
    change = np.abs(defective.images - qualified).max(axis=-1, keepdims=True)
    expected = change > synthetic_defects.MIN_CHANGE
    np.testing.assert_array_equal(defective.masks, expected)
    assert 0 < np.mean(defective.masks) < 0.5
    assert np.abs(defective.images).max() <= 1.0


def test_most_images_have_a_defect_and_some_have_none():
    shares = []
    for seed in range(6):
        masks = paste_defects(images(), images()[::-1], seed=[0, seed]).masks
        shares.append(np.any(masks, axis=(1, 2, 3)))
    assert 0.5 < np.mean(shares) < 0.95


@pytest.mark.parametrize("shape", synthetic_defects.SHAPES)
def test_a_shape_has_an_inside_and_an_outside(shape):
    draws = synthetic_defects._Draws(tf.constant([0, 5]))
    distances = np.concatenate([shape(draws, 8, 64, 64) for _ in range(4)])
    assert np.isfinite(distances).all()
    assert (distances > 0).any() and (distances < 0).any()
    assert np.mean(distances > 0) < 0.6


@pytest.mark.parametrize("content", synthetic_defects.CONTENTS)
def test_a_content_differs_from_the_ground(content):
    draws = synthetic_defects._Draws(tf.constant([0, 7]))
    ground = images(4, 64, 64)
    shown = content(draws, ground, ground[::-1])
    assert shown.shape == ground.shape
    assert np.abs(shown - ground).mean() > 0.01


def test_kinds_are_equally_many():
    assert synthetic_defects._strata(8, 5) == [2, 2, 2, 1, 1]
    assert synthetic_defects._strata(3, 5) == [1, 1, 1, 0, 0]
