import numpy as np
import tensorflow as tf

from ganad_tf.detector.latent_field import log_energies
from ganad_tf.detector.latent_field import relative_energies


def draw(*shape, seed=0):
    noise = np.random.default_rng(seed).normal(size=shape)
    return tf.constant(noise, tf.float32)


def test_octaves_are_16_16_32_and_the_rest():
    latents = draw(5, 80)
    squares = np.square(latents)
    edges = [(0, 16), (16, 32), (32, 64), (64, 80)]
    expected = [np.log(squares[:, a:b].mean(axis=1)) for a, b in edges]
    found = log_energies(latents)
    np.testing.assert_allclose(found, np.stack(expected, 1), atol=1e-4)


def test_doubled_latents_have_log_4_more_energy():
    latents = draw(3, 32)
    found = log_energies(2.0 * latents) - log_energies(latents)
    np.testing.assert_allclose(found, np.log(4.0), atol=1e-4)


def test_a_whole_images_change_does_not_count():
    latents = draw(2, 49, 32)
    before, after = (relative_energies(f * latents) for f in (1.0, 3.0))
    np.testing.assert_allclose(before, after, atol=1e-4)


def test_one_tiles_change_stands_out_in_its_image_alone():
    latents = draw(2, 49, 32).numpy()
    latents[0, 7] *= 10.0
    relative = relative_energies(tf.constant(latents))[..., 0].numpy()
    assert relative.argmax() == 7 and relative[0, 7] > 3.0
    alone = relative_energies(tf.constant(latents[1:]))
    np.testing.assert_allclose(relative[1:], alone[..., 0], atol=1e-6)
