"""Batch normalisation that is frozen in the middle of a training run."""

from __future__ import annotations

import keras
import tensorflow as tf

from ganad_tf import replicas


@keras.saving.register_keras_serializable("ganad_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation by the statistics of the whole batch.

    It differs from that of Keras in two ways: replicas share their statistics,
    and `training` may be decided in the graph. A branch would do the latter
    too, but replicas cannot share anything inside of one.

    Call arguments:
        inputs: Floats of shape (batch, ..., channels).
        training: Whether to normalise by the batch, and to learn its
            statistics; a boolean, or a boolean scalar of the graph.

    Returns:
        outputs: Floats of the same shape.
    """

    def call(self, inputs, training=None):
        values = tf.cast(inputs, tf.float32)
        mean, variance = self.moving_mean.value, self.moving_variance.value
        # Neither None nor False; a tensor has no truth value here.
        if self.trainable and not (training is None or training is False):
            batch_mean, batch_variance = replicas.moments(values)
            self._learn(batch_mean, batch_variance, training)
            mean = tf.where(training, batch_mean, mean)
            variance = tf.where(training, batch_variance, variance)
        outputs = tf.nn.batch_normalization(
            values,
            mean,
            variance,
            self.beta.value,
            self.gamma.value,
            self.epsilon,
        )
        return tf.cast(outputs, self.compute_dtype)

    def _learn(self, mean, variance, training) -> None:
        for old, new in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moved = old * self.momentum + new * (1.0 - self.momentum)
            old.assign(tf.where(training, moved, old))
