"""Shuffling: the numbers of images in an order that seed and place decide."""

from __future__ import annotations

import tensorflow as tf


def shuffled_rows(count: int, *, seed: int, start: int = 0) -> tf.data.Dataset:
    """Endless numbers, each once an epoch, in another order each epoch.

    Args:
        count: Numbers are below it.
        seed: Of the orders.
        start: Place in the endless sequence to start at; what is before it is
            not drawn.

    Returns:
        rows: int32 scalars.
    """

    def epoch_rows(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count), seed=[seed, epoch]
        )
        return tf.data.Dataset.from_tensor_slices(order)

    first, done = divmod(start, count)
    epochs = tf.data.Dataset.counter(first, dtype=tf.int32)
    return epochs.flat_map(epoch_rows).skip(done)
