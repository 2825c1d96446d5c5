"""Replicas: a training step spread over devices is the step of one device.

Every replica has its own rows of a batch and sees, of the others', what the
step needs: losses, batch statistics and random draws are those of the whole
batch. So N images on k devices give what N images on one give, up to rounding.

Without a strategy of TensorFlow (`tf.distribute`) there is one replica, whose
rows are the batch: every function here returns what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import tensorflow as tf


class Share(NamedTuple):
    """Which rows of the batches one host reads."""

    host: int = 0
    num_hosts: int = 1
    num_replicas: int = 1


def count() -> int:
    """Number of replicas that share a batch."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def _context() -> tf.distribute.ReplicaContext:
    return tf.distribute.get_replica_context()


def distributed(make: Callable[[Share], tf.data.Dataset]) -> Any:
    """An endless dataset whose batches are spread over the replicas.

    Args:
        make: From a host's `Share` to its batches: the rows of replica 0, then
            those of the next replica of this host, and so on.

    Returns:
        dataset: What `fit` takes: with one replica, the dataset itself.
    """
    if count() == 1:
        return make(Share())

    def of_host(context: tf.distribute.InputContext) -> tf.data.Dataset:
        batches = make(
            Share(
                context.input_pipeline_id,
                context.num_input_pipelines,
                context.num_replicas_in_sync,
            )
        )
        # Else several hosts would prepare for a last batch of another size,
        # and shapes would not be static.
        endless = tf.data.experimental.assert_cardinality(
            tf.data.INFINITE_CARDINALITY
        )
        return batches.apply(endless)

    strategy = tf.distribute.get_strategy()
    return strategy.distribute_datasets_from_function(of_host)


def whole_batch(rows: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, of which this replica's have a gradient.

    A loss of the whole batch is the same on every replica, and each finds the
    gradient by its own rows: the sum over replicas, which is what optimizers
    take, is the gradient of that loss. Nothing is divided by their number.

    Args:
        rows: Of this replica, of shape (batch / replicas, ...).

    Returns:
        batch: Of shape (batch, ...).
    """
    if count() == 1:
        return rows

    @tf.custom_gradient
    def gather(own):
        # What comes from a dataset has no device; what is gathered needs one.
        return _context().all_gather(tf.identity(own), axis=0), own_rows

    size = None if rows.shape[0] is None else count() * rows.shape[0]
    return tf.ensure_shape(gather(rows), [size, *rows.shape[1:]])


def own_rows(batch: tf.Tensor) -> tf.Tensor:
    """The rows of this replica.

    Args:
        batch: Of shape (batch, ...).

    Returns:
        rows: Of shape (batch / replicas, ...).
    """
    if count() == 1:
        return batch
    size = (batch.shape[0] or tf.shape(batch)[0]) // count()
    start = _context().replica_id_in_sync_group * size
    return batch[start : start + size]


def moments(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance of each channel over the whole batch.

    Args:
        values: Floats of shape (batch / replicas, ..., channels).

    Returns:
        mean: Of shape (channels,).
        variance: Of shape (channels,).
    """
    axes = list(range(values.shape.rank - 1))
    mean, variance = tf.nn.moments(values, axes)
    if count() == 1:
        return mean, variance
    both = tf.stack([mean, variance + mean**2])
    mean, square = tf.unstack(
        _context().all_reduce(tf.distribute.ReduceOp.MEAN, both)
    )
    return mean, square - mean**2


def summed(tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    """The sums over replicas, such as of gradients by their own rows."""
    if count() == 1:
        return tensors
    return _context().all_reduce(
        tf.distribute.ReduceOp.SUM, [tf.identity(tensor) for tensor in tensors]
    )


def as_logs(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What a step reports, as Keras takes it.

    Keras averages over hosts along the first axis, which scalars do not have
    (keras-team/keras#20585).

    Args:
        values: Scalars by name, equal on all replicas.

    Returns:
        logs: The same values.
    """
    if isinstance(
        tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy
    ):
        return {name: tf.reshape(v, [1]) for name, v in values.items()}
    return values
