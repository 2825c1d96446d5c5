"""Shuffling: the numbers of images in an order that seed and place decide."""

from __future__ import annotations

import tensorflow as tf

from ganad_tf.replicas import Share


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


def batch_rows(
    count: int, *, batch_size: int, seed: int, start_step: int, share: Share
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Places in the endless sequence of `shuffled_rows`, and what is there.

    Args:
        count: As of `shuffled_rows`.
        batch_size: Places that make a batch; each host has its own of them.
        seed: As of `shuffled_rows`.
        start_step: Batches that are skipped.
        share: Which of the places of a batch this host has.

    Returns:
        places: int32 scalars.
        rows: int32 scalars.
    """
    start = start_step * batch_size
    rows = shuffled_rows(count, seed=seed, start=start)
    numbered = tf.data.Dataset.zip(
        tf.data.Dataset.counter(start, dtype=tf.int32), rows
    )
    if share.num_hosts > 1:
        size = batch_size // share.num_hosts
        numbered = numbered.filter(
            lambda place, _: place % batch_size // size == share.host
        )
    return (
        numbered.map(lambda place, _: place),
        numbered.map(lambda _, row: row),
    )
