import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import tiny_config

from ganad_tf import recipes
from ganad_tf.gan import corruptions
from ganad_tf.gan import gan as gan_module
from ganad_tf.gan import losses
from ganad_tf.training import building
from ganad_tf.training import loop


def make_gan(method="joint", **changes):
    config = tiny_config(method=method, **changes)
    gan = building.build_gan(config)
    if method == "joint":
        loop.fit_linear_head(gan, make_parts(24, seed=0), config)
    return gan


def one_step(gan):
    return gan.train_on_batch(make_parts(8, seed=1), return_dict=True)


def weights_of(gan):
    return {
        name: [w.copy() for w in getattr(gan, name).get_weights()]
        for name in (
            "generator",
            "discriminator",
            "encoder",
            "linear_head",
            "ema_generator",
            "ema_encoder",
        )
        if getattr(gan, name) is not None
    }


def changed(before, after):
    return {
        name
        for name in before
        if any(
            not np.array_equal(a, b)
            for a, b in zip(before[name], after[name], strict=True)
        )
    }


@pytest.mark.parametrize("method", recipes.METHODS)
def test_a_step_trains_every_network_but_the_frozen_head(method):
    gan = make_gan(method)
    before = weights_of(gan)
    values = one_step(gan)
    assert changed(before, weights_of(gan)) == set(before) - {"linear_head"}
    assert all(np.isfinite(value) for value in values.values())
    assert int(gan.step) == 1


def test_generating_and_encoding_change_nothing():
    gan = make_gan()
    before = weights_of(gan)
    gan.generate(gan.encode(tf.constant(make_parts(8, seed=1))))
    assert not changed(before, weights_of(gan))


def test_batch_normalisation_moves_until_it_is_frozen():
    gan = make_gan(num_steps=4)
    moving = [v for v in gan.generator.weights if "moving" in v.name]
    states = []
    for _ in range(4):
        one_step(gan)
        states.append(np.concatenate([np.ravel(v) for v in moving]))
    assert not np.array_equal(states[0], states[1])
    np.testing.assert_array_equal(states[2], states[3])


def test_the_discriminators_step_leaves_the_generator_alone():
    gan = make_gan("paper")
    gan.compile(learning_rate=0.0)
    before = gan.generator.trainable_variables[0].numpy()
    discriminator_before = gan.discriminator.trainable_variables[0].numpy()
    one_step(gan)
    np.testing.assert_array_equal(
        before, gan.generator.trainable_variables[0].numpy()
    )
    assert not np.array_equal(
        discriminator_before, gan.discriminator.trainable_variables[0].numpy()
    )


def test_a_seed_fixes_the_losses_and_zero_is_a_seed():
    first, second, other = (one_step(make_gan(seed=seed)) for seed in (0, 0, 1))
    assert first == second
    assert first["generator_loss"] != other["generator_loss"]


def test_the_plain_dcgan_encodes_everything_as_the_priors_mean():
    gan = make_gan("paper")
    images = tf.constant(make_parts(3, seed=0))
    np.testing.assert_array_equal(gan.encode(images), np.zeros([3, 6]))
    assert gan.project(images) is None
    assert np.abs(gan.generate(tf.ones([2, 6]))).max() <= 1.0


def test_encoder_and_head_go_together():
    gan = make_gan()
    with pytest.raises(ValueError, match="go together"):
        gan_module.DCGAN(
            gan.generator, gan.discriminator, gan.encoder, num_steps=1
        )


def test_the_encoder_learns_to_take_defects_off():
    config = tiny_config(
        num_steps=200, width=8, batch_size=16, learning_rate=1e-3, latent_dim=12
    )
    gan = building.build_gan(config)
    parts = make_parts(64, seed=0)
    loop.fit_linear_head(gan, parts, config)
    batches = tf.data.Dataset.from_tensor_slices(parts).repeat().batch(16)
    gan.fit(batches, steps_per_epoch=200, verbose=0)
    clean = tf.constant(make_parts(32, seed=5))
    seen = corruptions.corrupt(clean, seed=tf.constant([3, 3]), at_least=1)

    def distance(guess, images):
        return losses.latent_distance(guess(images), gan.project(clean))

    def denoised(images):
        return gan.project(images) + gan.encoder(images)

    assert distance(denoised, clean) < 0.1 * distance(gan.project, seen)
    assert distance(denoised, seen) < 0.92 * distance(gan.project, seen)


def test_a_saved_model_comes_back(tmp_path):
    gan = make_gan()
    one_step(gan)
    path = str(tmp_path / "gan.keras")
    gan.save(path)
    again = keras.saving.load_model(path)
    latents = gan.sample_latents(4, seed=tf.constant([0, 0]))
    np.testing.assert_array_equal(
        gan.generate(latents), again.generate(latents)
    )
    assert again.get_config()["num_steps"] == gan.num_steps
    assert one_step(gan) == one_step(again)


def test_mixed_precision_trains():
    values = one_step(make_gan(mixed_precision=True))
    assert np.isfinite(values["generator_loss"])
