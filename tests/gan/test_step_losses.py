import numpy as np
import tensorflow as tf
from conftest import make_parts

from ganad_tf.gan import losses
from ganad_tf.gan import pyramid
from ganad_tf.gan import step_losses


def test_accuracy_counts_logits_on_the_right_side():
    values = step_losses.player_losses(
        tf.constant([[1.0], [2.0], [-1.0]]),
        tf.constant([[-1.0], [3.0], [-2.0]]),
        label_smoothing=0.1,
    )
    np.testing.assert_allclose(values["discriminator_accuracy"], 4 / 6)
    np.testing.assert_allclose(values["real_logits"], 2 / 3)
    assert set(values) < set(step_losses.NAMES)


def test_encoder_losses_compare_what_belongs_together():
    images = tf.constant(make_parts(4, seed=0))
    others = tf.constant(make_parts(4, seed=1))
    encoded, projected, latents, returned = np.random.default_rng(0).normal(
        size=(4, 4, 3)
    )
    values = step_losses.encoder_losses(
        images,
        others,
        encoded=encoded,
        projected=projected,
        latents=latents,
        returned=returned,
    )
    expected = {
        "reconstruction_loss": np.mean(
            pyramid.laplacian_pyramid_l1(images, others)
        ),
        "denoising_loss": losses.latent_distance(encoded, projected),
        "latent_loss": np.mean((returned - latents) ** 2),
        "prior_loss": losses.latent_prior_loss(tf.constant(encoded)),
    }
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-6)


def test_the_total_is_the_weighted_sum():
    values = {"a": tf.constant(2.0), "b": tf.constant(3.0), "c": 100.0}
    total = step_losses.generator_total(values, {"a": 0.5, "b": 2.0})
    assert float(total) == 7.0


def test_diversity_is_zero_for_one_image_again_and_again():
    images = tf.constant(make_parts(8, seed=0))
    same = tf.repeat(images[:1], 8, axis=0)
    assert float(step_losses.diversity(same, images)) < 1e-6
    np.testing.assert_allclose(step_losses.diversity(images, images), 1, 1e-3)
