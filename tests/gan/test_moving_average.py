import numpy as np
import tensorflow as tf

from ganad_tf.gan import moving_average
from ganad_tf.gan import networks


def generator():
    return networks.build_generator(
        image_size=16, channels=1, latent_dim=3, width=4
    )


def test_the_average_follows_the_network():
    network = generator()
    average = moving_average.copy_of(network)
    before = network.get_weights()
    for weight in network.weights:
        weight.assign(weight + 1.0)
    moving_average.update(average, network, momentum=0.75)
    for old, new in zip(before, average.get_weights(), strict=True):
        np.testing.assert_allclose(new, old + 0.25, rtol=1e-5, atol=1e-6)


def test_a_copy_is_frozen_and_on_its_own():
    network = generator()
    copy = moving_average.copy_of(network)
    latents = tf.ones([2, 3])
    expected = network(latents, training=False).numpy()
    for weight in network.weights:
        weight.assign(0.0 * weight)
    assert not copy.trainable_weights
    np.testing.assert_array_equal(copy(latents, training=False), expected)
