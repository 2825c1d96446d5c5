import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import tiny_config

from ganad_tf.gan import inversion
from ganad_tf.training import building

BASIS = np.linalg.qr(np.random.default_rng(0).normal(size=(256, 4)))[0].T
BASIS = (4.0 * BASIS).astype(np.float32)


def linear(latents):
    return tf.reshape(latents @ BASIS, [-1, 16, 16, 1])


def inverter(**changes):
    values = {"num_steps": 300, "optimizer": "adam", "learning_rate": 0.05}
    return inversion.LatentInverter(linear, **{**values, **changes})


def targets(count=5):
    latents = np.random.default_rng(1).normal(size=(count, 4))
    return latents.astype(np.float32)


@pytest.mark.parametrize(
    "optimizer, learning_rate",
    [("adam", 0.05), ("momentum", 0.5), ("sgd", 5.0)],
)
def test_a_linear_generator_reaches_least_squares(optimizer, learning_rate):
    images = linear(targets())
    least_squares = np.linalg.lstsq(
        BASIS.T, images.numpy().reshape(5, -1).T, rcond=None
    )[0].T
    found = inverter(optimizer=optimizer, learning_rate=learning_rate).invert(
        images, tf.zeros([5, 4])
    )
    np.testing.assert_allclose(found.latents, least_squares, atol=0.05)


def test_an_image_gets_the_same_latent_alone_in_a_batch_and_permuted():
    images = linear(targets()) + 0.1
    search = inverter(num_steps=20)
    together = search.invert(images, tf.zeros([5, 4])).latents.numpy()
    order = [3, 0, 4, 1, 2]
    permuted = search.invert(
        tf.gather(images, order), tf.zeros([5, 4])
    ).latents.numpy()
    np.testing.assert_allclose(permuted, together[order], rtol=1e-5, atol=1e-6)
    for row in range(5):
        alone = search.invert(images[row : row + 1], tf.zeros([1, 4]))
        np.testing.assert_allclose(
            alone.latents[0], together[row], rtol=1e-5, atol=1e-6
        )


def test_a_second_call_gives_what_the_first_gave():
    search = inverter(num_steps=10)
    images = linear(targets())
    first, second = (search.invert(images, tf.zeros([5, 4])) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("learning_rate", [0.01, 1000.0])
def test_the_loss_never_ends_above_its_start(learning_rate):
    images = linear(targets()) + 0.2
    found = inverter(
        num_steps=15, optimizer="sgd", learning_rate=learning_rate
    ).invert(images, tf.zeros([5, 4]))
    assert (found.losses.numpy() <= found.initial_losses.numpy()).all()


def test_what_is_returned_fits_together():
    images = linear(targets()) + 0.2
    found = inverter(num_steps=15).invert(images, tf.zeros([5, 4]))
    np.testing.assert_allclose(
        found.reconstructions, linear(found.latents), atol=1e-6
    )
    assert (found.gradient_norms.numpy() > 0).all()


def test_no_step_returns_the_start():
    start = tf.constant(targets())
    found = inverter(num_steps=0).invert(linear(start) + 0.3, start)
    np.testing.assert_array_equal(found.latents, start)
    np.testing.assert_array_equal(found.losses, found.initial_losses)


def test_restarts_never_make_it_worse():
    images = linear(targets()) + 0.2
    once, thrice = (
        inverter(num_steps=5, num_restarts=n).invert(images, tf.zeros([5, 4]))
        for n in (0, 2)
    )
    assert (thrice.losses.numpy() <= once.losses.numpy()).all()
    np.testing.assert_array_equal(once.initial_losses, thrice.initial_losses)


def test_a_prior_weight_pulls_towards_zero():
    images = linear(targets())
    free, held = (
        inverter(num_steps=100, prior_weight=w).invert(images, tf.zeros([5, 4]))
        for w in (0.0, 1.0)
    )
    norms = [np.linalg.norm(found.latents) for found in (free, held)]
    assert norms[1] < 0.9 * norms[0]


def test_one_trace_serves_every_batch_size():
    search = inverter(num_steps=2)
    for count in (1, 2, 5, 3):
        search.invert(linear(targets(count)), tf.zeros([count, 4]))
    # The second batch size makes the batch unknown, which serves all others.
    assert search._compiled.experimental_get_tracing_count() <= 2


def test_batch_normalisation_is_not_touched():
    gan = building.build_gan(tiny_config(method="paper"))
    before = [w.copy() for w in gan.ema_generator.get_weights()]
    inversion.LatentInverter(gan.generate, num_steps=3).invert(
        tf.constant(make_parts(4, seed=0)), tf.zeros([4, 6])
    )
    for old, new in zip(before, gan.ema_generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"optimizer": "lbfgs"}, "optimizer='lbfgs'"),
        ({"schedule": "linear"}, "schedule='linear'"),
        ({"num_steps": -1}, "num_steps=-1"),
        ({"learning_rate": -0.1}, "learning_rate=-0.1"),
    ],
)
def test_arguments_out_of_range_are_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        inverter(**changes)


def test_the_configuration_makes_the_same_inverter():
    search = inverter(num_steps=7, seed=3)
    again = inversion.LatentInverter(linear, **search.get_config())
    assert again.get_config() == search.get_config()


def test_curves_start_at_the_start_and_reach_what_the_search_finds():
    images = linear(targets())
    search = inverter(num_steps=30, optimizer="sgd", learning_rate=5.0)
    starts = tf.ones([5, 4])
    curves, found = search.curves(images, starts), search.invert(images, starts)
    assert curves.losses.shape == curves.latent_norms.shape == (31, 5)
    np.testing.assert_allclose(curves.losses[0], found.initial_losses)
    np.testing.assert_allclose(
        curves.losses.min(axis=0), found.losses, rtol=1e-5
    )
    np.testing.assert_allclose(curves.latent_norms[0], 2.0)
    best = curves.losses.argmin(axis=0)
    np.testing.assert_allclose(
        curves.latent_norms[best, range(5)],
        np.linalg.norm(found.latents, axis=1),
        rtol=1e-4,
    )
