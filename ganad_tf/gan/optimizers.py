"""The optimizers of the two players, and how their step sizes decay."""

from __future__ import annotations

import keras

# Share of the steps at the full learning rate, and the last share of it.
CONSTANT_SHARE = 0.6
FINAL_SHARE = 0.02


def decayed_learning_rate(
    learning_rate: float, num_steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Constant for 60 % of the steps, then a cosine down to 2 %.

    Args:
        learning_rate: Before the decay.
        num_steps: Steps of the whole training run.

    Returns:
        schedule: Learning rate as a function of the step.
    """
    return keras.optimizers.schedules.CosineDecay(
        learning_rate,
        decay_steps=max(int((1.0 - CONSTANT_SHARE) * num_steps), 1),
        alpha=FINAL_SHARE,
        warmup_target=learning_rate,
        warmup_steps=int(CONSTANT_SHARE * num_steps),
    )


def build_adam(
    learning_rate: float, beta_2: float, *, num_steps: int, variables: list
) -> keras.optimizers.Adam:
    """Adam with the decay and the low first momentum of Radford et al. (2016).

    Args:
        learning_rate: Before the decay.
        beta_2: Decay of the mean squared gradients.
        num_steps: Steps of the whole training run.
        variables: What is trained; the optimizer's state is built for it, so
            that a checkpoint can be restored before the first step.

    Returns:
        optimizer: Built Adam.
    """
    optimizer = keras.optimizers.Adam(
        decayed_learning_rate(learning_rate, num_steps), 0.5, beta_2
    )
    optimizer.build(variables)
    return optimizer
