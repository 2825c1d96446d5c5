"""Determinism: equal seeds give equal numbers in every process."""

from __future__ import annotations

import keras
import tensorflow as tf


def use_determinism(seed: int) -> None:
    """Seeds what has no seed of its own and makes all operations repeatable.

    Earlier Keras objects of the process are forgotten, since their names and
    memory would differ from those of a fresh process.

    Args:
        seed: Non-negative integer, for Python, NumPy and TensorFlow.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    # Else parallel sums round by the order in which threads finish.
    tf.config.experimental.enable_op_determinism()
