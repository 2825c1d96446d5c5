import numpy as np
import pytest
import references
import tensorflow as tf
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ganad_tf.gan import pyramid


def noise(*shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape)
    return values.astype(np.float32)


@pytest.mark.parametrize("height, width", [(16, 16), (17, 31), (64, 33)])
def test_levels_equal_scipy(height, width):
    images = noise(2, height, width, 1)
    levels = pyramid.laplacian_pyramid(tf.constant(images), num_levels=3)
    for row, image in enumerate(images):
        expected = references.laplacian_pyramid(image[..., 0], 3)
        for level, reference in zip(levels, expected, strict=True):
            np.testing.assert_allclose(level[row, ..., 0], reference, atol=1e-5)


def test_gaussian_levels_are_what_the_laplacian_ones_end_in():
    images = tf.constant(noise(1, 32, 32, 3))
    low = pyramid.gaussian_pyramid(images, num_levels=3)[-1]
    residue = pyramid.laplacian_pyramid(images, num_levels=3)[-1]
    np.testing.assert_allclose(low, residue, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(16, 40),
    width=st.integers(16, 40),
    channels=st.sampled_from([1, 3]),
    num_levels=st.integers(1, 4),
)
def test_adding_the_levels_up_gives_the_image(
    height, width, channels, num_levels
):
    images = tf.constant(noise(2, height, width, channels))
    levels = pyramid.laplacian_pyramid(images, num_levels=num_levels)
    rebuilt = pyramid.reconstruct_from_laplacian(levels)
    np.testing.assert_allclose(rebuilt, images, atol=1e-5)


def test_l1_equals_the_levels_means():
    images, others = noise(3, 20, 24, 3), noise(3, 20, 24, 3, seed=1)
    losses = pyramid.laplacian_pyramid_l1(images, others, num_levels=3)
    expected = sum(
        np.abs(a - b).mean(axis=(1, 2, 3))
        for a, b in zip(
            pyramid.laplacian_pyramid(images, num_levels=3),
            pyramid.laplacian_pyramid(others, num_levels=3),
            strict=True,
        )
    )
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_l1_is_zero_for_equal_images_and_symmetric_and_per_image():
    images, others = noise(3, 16, 16, 1), noise(3, 16, 16, 1, seed=1)
    zeros = pyramid.laplacian_pyramid_l1(images, images)
    np.testing.assert_array_equal(zeros, np.zeros(3))
    there = pyramid.laplacian_pyramid_l1(images, others).numpy()
    back = pyramid.laplacian_pyramid_l1(others, images).numpy()
    np.testing.assert_allclose(there, back, rtol=1e-6)
    alone = pyramid.laplacian_pyramid_l1(images[1:2], others[1:2]).numpy()
    np.testing.assert_allclose(there[1], alone[0], rtol=1e-6)
    assert (there > 0).all()


def test_small_images_are_an_error():
    with pytest.raises(ValueError, match=r"at least 16.*\(1, 15, 16, 1\)"):
        pyramid.laplacian_pyramid(tf.zeros([1, 15, 16, 1]))


def test_no_level_is_an_error():
    with pytest.raises(ValueError, match="num_levels=0"):
        pyramid.laplacian_pyramid(tf.zeros([1, 16, 16, 1]), num_levels=0)


def test_smoothing_rounds_the_corner_and_little_else():
    images = tf.random.stateless_uniform([2, 32, 32, 1], seed=[0, 1])
    plain = pyramid.laplacian_pyramid_l1(images, 0.0 * images)
    smooth = pyramid.laplacian_pyramid_l1(images, 0.0 * images, smoothing=0.01)
    bound = 0.01 * pyramid.NUM_LEVELS
    assert (smooth <= plain).numpy().all()
    assert (smooth > plain - bound).numpy().all()
    latent = tf.constant([[1e-6], [-1e-6]])
    with tf.GradientTape() as tape:
        tape.watch(latent)
        others = images + latent[:, :, None, None]
        losses = pyramid.laplacian_pyramid_l1(images, others, smoothing=0.01)
    gradient = tape.gradient(losses, latent).numpy()
    assert (np.abs(gradient) < 1e-3).all()  # of plain L1, 1
