"""One training step: samples, reconstructions, losses and gradients."""

from __future__ import annotations

import keras
import tensorflow as tf

from ganad_tf import replicas
from ganad_tf.gan import corruptions
from ganad_tf.gan import step_losses

# Of each loss of generator and encoder, the argument that weighs it.
_WEIGHTS = {
    "generator_loss": "adversarial_weight",
    "reconstruction_loss": "reconstruction_weight",
    "denoising_loss": "denoising_weight",
    "latent_loss": "latent_weight",
    "prior_loss": "prior_weight",
}
# Batch statistics are frozen from this share of the steps on: from there the
# generator is trained as it is inverted and served, in inference mode.
FREEZING_SHARE = 0.65


def take_step(gan: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
    """One simultaneous step of both players.

    Networks see a replica's own rows; losses and draws are of the whole batch.

    Args:
        gan: Compiled `DCGAN`; its networks change, its averages and step
            counter do not.
        images: Qualified images, float32 of shape (batch / replicas, height,
            width, channels) in [-1, 1].

    Returns:
        values: Scalars by the names of `step_losses.NAMES`.
    """
    seed = tf.stack([gan.seed, gan.step.value])
    seeds = tf.random.experimental.stateless_split(seed, 3)
    images = replicas.whole_batch(images)
    latents = gan.sample_latents(tf.shape(images)[0], seed=seeds[0])
    # One forward pass serves both players: each descends its own loss.
    with tf.GradientTape(persistent=True) as tape:
        if gan.encoder is None:
            generated, values = _generate(gan, replicas.own_rows(latents)), {}
            samples = replicas.whole_batch(generated)
        else:
            generated, samples, values = _encode_and_generate(
                gan, images, latents, seeds
            )
        values |= step_losses.player_losses(
            *(
                replicas.whole_batch(gan.discriminator(shown, training=True))
                for shown in (replicas.own_rows(images), generated)
            ),
            label_smoothing=gan.label_smoothing,
        )
        total = _generator_total(gan, values)
    values |= _apply_gradients(gan, tape, total, values["discriminator_loss"])
    values["diversity"] = step_losses.diversity(samples, images)
    return values


def _generate(gan: keras.Model, latents: tf.Tensor) -> tf.Tensor:
    moving = gan.step.value < int(FREEZING_SHARE * gan.num_steps)
    return gan.generate_with(gan.generator, latents, training=moving)


def _encode_and_generate(gan: keras.Model, images, latents, seeds):
    """Own samples and reconstructions, all samples, the encoder's losses."""
    corrupted = images
    if gan.denoising:
        corrupted = corruptions.corrupt(images, seed=seeds[1])
    encoded = gan.encode_with(
        gan.encoder, replicas.own_rows(corrupted), training=True
    )
    noise = tf.random.stateless_normal(
        tf.shape(latents), seeds[2], alg="philox"
    )
    noisy = encoded + gan.latent_noise * replicas.own_rows(noise)
    # One pass for both halves, so that they share batch statistics.
    both = tf.concat([replicas.own_rows(latents), noisy], 0)
    generated = _generate(gan, both)
    samples, reconstructions = tf.split(generated, 2)
    # The encoder learns to invert the generator, not the generator to be
    # inverted.
    returned = gan.encode_with(
        gan.encoder, tf.stop_gradient(samples), training=True
    )
    samples, reconstructions, encoded, returned = map(
        replicas.whole_batch, (samples, reconstructions, encoded, returned)
    )
    return (
        generated,
        samples,
        step_losses.encoder_losses(
            images,
            reconstructions,
            encoded=encoded,
            projected=gan.linear_head.project(images),
            latents=latents,
            returned=returned,
        ),
    )


def _generator_total(gan: keras.Model, values: dict) -> tf.Tensor:
    if gan.encoder is None:
        return values["generator_loss"]
    weights = {name: getattr(gan, key) for name, key in _WEIGHTS.items()}
    return step_losses.generator_total(values, weights)


def _apply_gradients(gan: keras.Model, tape, total, discriminator_loss):
    """One step of each optimizer; returns the gradients' norms by name."""
    return {
        "generator_gradient_norm": _descend(
            tape,
            total,
            gan.generator_variables,
            gan.generator_optimizer,
        ),
        "discriminator_gradient_norm": _descend(
            tape,
            discriminator_loss,
            gan.discriminator.trainable_variables,
            gan.discriminator_optimizer,
        ),
    }


def _descend(tape, loss, variables, optimizer) -> tf.Tensor:
    gradients = tape.gradient(loss, variables)
    # The optimizer sums them over the replicas, too.
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return tf.linalg.global_norm(replicas.summed(gradients))
