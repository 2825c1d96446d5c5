"""Warm start: a training run that begins with the networks of another one."""

from __future__ import annotations

from typing import Any

import keras

from ganad_tf.errors import UserError
from ganad_tf.training.configuration import TrainingConfig

# Settings that decide the shapes of the networks.
_SHAPES = ("image_size", "channels", "latent_dim", "width")


def with_shapes(
    overrides: dict[str, Any], method: str, init_from: str
) -> dict[str, Any]:
    """Settings of a training run that can begin with another one's networks.

    Args:
        overrides: Arguments of `choices.resolve`.
        method: Of the new run.
        init_from: Folder of the earlier model.

    Returns:
        overrides: The same, with the shapes of the earlier model.

    Raises:
        UserError: If there is no such model, it has another method or other
            ablations, or `overrides` ask for other shapes.
    """
    config = TrainingConfig.load(init_from)
    asked = {"method": method, "without": tuple(overrides.get("without", ()))}
    asked |= {name: overrides.get(name) for name in _SHAPES}
    for name, value in asked.items():
        if value not in (None, getattr(config, name)):
            raise UserError(
                f"{init_from} has other networks. Expected "
                f"{name}={getattr(config, name)}. Received: {name}={value}"
            )
    return overrides | {name: getattr(config, name) for name in _SHAPES}


def copy_weights(earlier: keras.Model, model: keras.Model) -> None:
    """Gives a model the weights of another one; its training begins at step 0.

    Linear head, latent prior and moving averages are weights, too. Optimizers
    start afresh.

    Args:
        earlier: Trained.
        model: Of the same shapes, untrained.

    Raises:
        UserError: If the shapes differ.
    """
    shapes = [[tuple(v.shape) for v in m.variables] for m in (earlier, model)]
    if shapes[0] != shapes[1]:
        raise UserError(
            "The networks of --init_from have other shapes. Expected the "
            "settings that it was trained with"
        )
    step = int(model.step)
    for target, source in zip(model.variables, earlier.variables, strict=True):
        target.assign(source)
    model.step.assign(step)
