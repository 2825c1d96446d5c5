"""The latent search of AnoGAN, the peer that the inversion is compared with.

Schlegl et al. 2017, "Unsupervised Anomaly Detection with Generative Adversarial
Networks to Guide Marker Discovery": Adam from a random start; loss and score
are 0.9 of the mean absolute residual and 0.1 of the mean absolute difference
of the discriminator's last features.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from ganad_tf.gan.gan import DCGAN

LEARNING_RATE = 0.05
_FEATURE_WEIGHT = 0.1


class AnoGanSearch:
    """Searches latents by Adam, compiled as one loop.

    Args:
        gan: `DCGAN`; its generator and discriminator are used as they are.
        num_steps: Steps of Adam; AnoGAN takes 500.

    Attributes:
        scores: Function of float32 images (batch, height, width, channels) in
            [-1, 1] and starts (batch, latent_dim) that returns the loss
            (batch,) at the end of the search. Higher is more anomalous.
    """

    def __init__(self, gan: DCGAN, num_steps: int):
        self.gan = gan
        self.num_steps = num_steps
        discriminator = gan.discriminator
        self._features = keras.Model(
            discriminator.input, discriminator.layers[-1].input
        )
        images = tf.TensorSpec([None, *gan.generator.output_shape[1:]])
        starts = tf.TensorSpec([None, gan.latent_dim])
        self.scores = tf.function(
            self._search, input_signature=[images, starts]
        )

    def losses(self, images: tf.Tensor, latents: tf.Tensor) -> tf.Tensor:
        """Loss of each image, float32 of shape (batch,), which is its score."""
        generated = self.gan.generate(latents)
        residual = tf.reduce_mean(tf.abs(images - generated), [1, 2, 3])
        features = tf.reduce_mean(
            tf.abs(
                self._features(images, training=False)
                - self._features(generated, training=False)
            ),
            axis=1,
        )
        return (1 - _FEATURE_WEIGHT) * residual + _FEATURE_WEIGHT * features

    def _search(self, images: tf.Tensor, starts: tf.Tensor) -> tf.Tensor:
        # Adam is written out: a Keras optimizer keeps its moments in variables,
        # which would carry over from one batch to the next.
        latents = starts
        first, second = tf.zeros_like(starts), tf.zeros_like(starts)
        for step in tf.range(1, self.num_steps + 1):
            with tf.GradientTape() as tape:
                tape.watch(latents)
                losses = self.losses(images, latents)
            gradients = tape.gradient(losses, latents)
            first = 0.9 * first + 0.1 * gradients
            second = 0.999 * second + 0.001 * gradients**2
            count = tf.cast(step, tf.float32)
            unbiased = first / (1.0 - 0.9**count)
            scale = tf.sqrt(second / (1.0 - 0.999**count)) + 1e-8
            latents -= LEARNING_RATE * unbiased / scale
        return self.losses(images, latents)
