"""Moving averages of networks, which generate and encode after training."""

from __future__ import annotations

import keras


def copy_of(network: keras.Model) -> keras.Model:
    """A frozen copy of a network: the average before the first step.

    Args:
        network: Built.

    Returns:
        copy: A network of its own with the same weights, not trainable.
    """
    copy = keras.models.clone_model(network)
    # Cloning draws new initial weights.
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def update(
    average: keras.Model, network: keras.Model, *, momentum: float
) -> None:
    """Moves all weights of `average`, statistics too, towards `network`.

    Args:
        average: Of `copy_of`.
        network: The network it follows.
        momentum: Share that stays, in [0, 1].
    """
    for old, new in zip(average.weights, network.weights, strict=True):
        old.assign(new + momentum * (old - new))
