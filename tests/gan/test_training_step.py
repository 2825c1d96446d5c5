import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import tiny_config

from ganad_tf import recipes
from ganad_tf.gan import step_losses
from ganad_tf.gan import training_step
from ganad_tf.training import building
from ganad_tf.training import loop


def make_gan(**changes):
    config = tiny_config(**changes)
    gan = building.build_gan(config)
    if gan.linear_head is not None:
        loop.fit_linear_head(gan, make_parts(24, seed=0), config)
    return gan


@pytest.mark.parametrize("method", recipes.METHODS)
def test_a_step_reports_its_losses_and_leaves_averages_and_counter(method):
    gan = make_gan(method=method)
    average = gan.ema_generator.get_weights()
    values = training_step.take_step(gan, tf.constant(make_parts(8, seed=1)))
    assert set(values) <= set(step_losses.NAMES)
    assert ("denoising_loss" in values) == (method == "joint")
    assert all(np.isfinite(value) for value in values.values())
    for old, new in zip(average, gan.ema_generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert int(gan.step) == 0


def test_a_weight_of_zero_switches_a_loss_off():
    steps = []
    for weight in (0.0, 0.15):
        gan = make_gan()
        gan.adversarial_weight = weight
        gan.reconstruction_weight = gan.denoising_weight = 0.0
        gan.latent_weight = gan.prior_weight = 0.0
        values = training_step.take_step(
            gan, tf.constant(make_parts(8, seed=1))
        )
        steps.append(float(values["generator_gradient_norm"]))
    assert steps[0] == 0.0 < steps[1]
