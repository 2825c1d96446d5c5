"""The losses and measures of one training step, by name."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from ganad_tf.gan import losses
from ganad_tf.gan import pyramid

# All that a training step reports; the plain DCGAN lacks the encoder's.
NAMES = (
    "generator_loss",
    "discriminator_loss",
    "reconstruction_loss",
    "denoising_loss",
    "latent_loss",
    "prior_loss",
    "real_logits",
    "generated_logits",
    "discriminator_accuracy",
    "diversity",
    "generator_gradient_norm",
    "discriminator_gradient_norm",
)


def player_losses(
    real_logits: tf.Tensor,
    generated_logits: tf.Tensor,
    *,
    label_smoothing: float,
) -> dict[str, tf.Tensor]:
    """Losses of both players, and how well the discriminator decides.

    Args:
        real_logits: Floats of shape (batch, 1).
        generated_logits: Floats of shape (any batch, 1).
        label_smoothing: Taken off the discriminator's target of real images.

    Returns:
        values: Scalars by name.
    """
    correct = tf.concat([real_logits > 0, generated_logits < 0], 0)
    return {
        "generator_loss": losses.generator_loss(generated_logits),
        "discriminator_loss": losses.discriminator_loss(
            real_logits, generated_logits, label_smoothing=label_smoothing
        ),
        "real_logits": tf.reduce_mean(real_logits),
        "generated_logits": tf.reduce_mean(generated_logits),
        "discriminator_accuracy": tf.reduce_mean(tf.cast(correct, tf.float32)),
    }


def encoder_losses(
    images: tf.Tensor,
    reconstructions: tf.Tensor,
    *,
    encoded: tf.Tensor,
    projected: tf.Tensor,
    latents: tf.Tensor,
    returned: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Losses of the encoder, and of the generator behind it.

    Args:
        images: Clean images, float32 of shape (batch, height, width,
            channels).
        reconstructions: Of the encoder's latents, of the same shape.
        encoded: The encoder's latents of the images with synthetic defects,
            float32 of shape (batch, latent_dim).
        projected: Linear projection of the clean images, of that shape.
        latents: Drawn from the prior, of that shape.
        returned: The encoder's latents of the images generated from them.

    Returns:
        values: Scalars by name.
    """
    pyramid_losses = pyramid.laplacian_pyramid_l1(images, reconstructions)
    return {
        "reconstruction_loss": tf.reduce_mean(pyramid_losses),
        "denoising_loss": losses.latent_distance(encoded, projected),
        "latent_loss": tf.reduce_mean((returned - latents) ** 2),
        "prior_loss": losses.latent_prior_loss(encoded),
    }


def generator_total(
    values: Mapping[str, tf.Tensor], weights: Mapping[str, float]
) -> tf.Tensor:
    """What generator and encoder minimise: the weighted sum of their losses.

    Args:
        values: Scalars by name.
        weights: By the losses' names; those of `values` that count.

    Returns:
        total: Scalar.
    """
    terms = [weight * values[name] for name, weight in weights.items()]
    total = terms[0]
    for term in terms[1:]:
        total += term
    return total


def diversity(images: tf.Tensor, real_images: tf.Tensor) -> tf.Tensor:
    """Spread of images over their batch, as a share of the real images'.

    Args:
        images: float32 of shape (batch, height, width, channels).
        real_images: float32 of the same trailing shape.

    Returns:
        ratio: Scalar; root of the mean variance of a pixel over the batch,
            divided by that of the real images. Near 0: the generator has
            collapsed to one image.

    Example:
    >>> images = tf.random.stateless_normal([8, 16, 16, 1], seed=[0, 1])
    >>> round(float(diversity(0.5 * images, images)), 3)
    0.5
    """

    def spread(batch):
        return tf.sqrt(tf.reduce_mean(tf.math.reduce_variance(batch, axis=0)))

    return spread(images) / (spread(real_images) + 1e-6)
