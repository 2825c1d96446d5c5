"""The losses of the players: pure functions of logits, latents and images."""

from __future__ import annotations

import tensorflow as tf


def discriminator_loss(
    real_logits: tf.Tensor,
    generated_logits: tf.Tensor,
    *,
    label_smoothing: float = 0.1,
) -> tf.Tensor:
    """Cross-entropy of calling real images real and generated ones generated.

    `-log D(x) - log(1 - D(G(z)))`, Goodfellow et al. (2014), equation (1),
    with one-sided label smoothing (Salimans et al. 2016): the target of real
    images is `1 - label_smoothing`, that of generated images stays 0.

    Args:
        real_logits: Floats of shape (batch, 1), before the sigmoid.
        generated_logits: Floats of shape (any batch, 1).
        label_smoothing: What is taken off the target of real images.

    Returns:
        loss: Scalar, mean over each batch, summed over the two.

    Example:
    >>> zeros = tf.zeros([4, 1])
    >>> round(float(discriminator_loss(zeros, zeros)), 4)  # 2 log 2
    1.3863
    """
    real = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.ones_like(real_logits) * (1.0 - label_smoothing),
        logits=real_logits,
    )
    generated = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.zeros_like(generated_logits), logits=generated_logits
    )
    return tf.reduce_mean(real) + tf.reduce_mean(generated)


def generator_loss(generated_logits: tf.Tensor) -> tf.Tensor:
    """Non-saturating loss `-log D(G(z))` (Goodfellow et al. 2014, section 3).

    Args:
        generated_logits: Floats of shape (batch, 1), before the sigmoid.

    Returns:
        loss: Scalar mean.

    Example:
    >>> round(float(generator_loss(tf.zeros([4, 1]))), 4)  # log 2
    0.6931
    """
    return tf.reduce_mean(tf.nn.softplus(-generated_logits))


def latent_distance(latents: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """How far latents are from their targets, on average over the batch.

    The distance of each image is not squared: in doubt, the least expected
    distance is at the likelier target (the median), where the least expected
    square is between the two (the mean). An encoder that learns by it leaves
    an image as it is unless it is rather sure of a defect.

    Args:
        latents: Floats of shape (batch, latent_dim).
        targets: Floats of the same shape.

    Returns:
        distance: Scalar; the mean over the batch of the root of the mean
            squared difference over the components.

    Example:
    >>> float(latent_distance(tf.zeros([2, 4]), 3.0 * tf.ones([2, 4])))
    3.0
    """
    squares = tf.reduce_mean((latents - targets) ** 2, axis=1)
    # The root has no finite slope at 0.
    return tf.reduce_mean(tf.sqrt(squares + 1e-8))


def latent_prior_loss(latents: tf.Tensor) -> tf.Tensor:
    """How far the moments of a batch of latents are from N(0, I).

    `mean(m^2) + mean((s - 1)^2) + sum_{i != j} C_ij^2 / (2 d^2)` with `m`,
    `s` and `C` the mean, standard deviation and covariance over the batch.

    Args:
        latents: Floats of shape (batch, latent_dim).

    Returns:
        loss: Scalar, 0 for moments equal to the prior's.
    """
    batch = tf.cast(tf.shape(latents)[0], latents.dtype)
    dim = tf.cast(tf.shape(latents)[1], latents.dtype)
    mean = tf.reduce_mean(latents, axis=0)
    centred = latents - mean
    covariance = tf.matmul(centred, centred, transpose_a=True) / batch
    variance = tf.linalg.diag_part(covariance)
    deviation = tf.sqrt(variance + 1e-6)
    off_diagonal = tf.reduce_sum(covariance**2) - tf.reduce_sum(variance**2)
    return (
        tf.reduce_mean(mean**2)
        + tf.reduce_mean((deviation - 1.0) ** 2)
        + 0.5 * off_diagonal / dim**2
    )


def defect_loss(
    logits: tf.Tensor, masks: tf.Tensor, *, defect_weight: float = 4.0
) -> tf.Tensor:
    """How badly logits tell defective pixels from qualified ones.

    Cross-entropy in which a defective pixel weighs `defect_weight` times as
    much, and half of the Dice loss (Milletari et al. 2016) of the batch.

    The Dice loss of each image by itself would be nearly 1 for an image
    without defects until all its pixels are certain: such a loss, and a focal
    one, which hardly has gradients left, keep all logits low for hundreds of
    steps.

    Args:
        logits: float32 of shape (batch, height, width, 1), high means
            defective.
        masks: float32 of the same shape, 1 where defective, else 0.
        defect_weight: Weight of a defective pixel.

    Returns:
        loss: Scalar.
    """
    cross_entropies = tf.nn.weighted_cross_entropy_with_logits(
        masks, logits, defect_weight
    )
    probabilities = tf.sigmoid(logits)
    overlap = tf.reduce_sum(probabilities * masks)
    total = tf.reduce_sum(probabilities + masks)
    dice = 1.0 - 2.0 * overlap / (total + 1.0)
    return tf.reduce_mean(cross_entropies) + 0.5 * dice
