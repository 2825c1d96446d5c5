import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.gan import networks


@pytest.mark.parametrize("image_size", networks.IMAGE_SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_follow_the_arguments(image_size, channels):
    size = {"image_size": image_size, "channels": channels, "width": 4}
    generator = networks.build_generator(latent_dim=5, **size)
    discriminator = networks.build_discriminator(**size)
    encoder = networks.build_encoder(latent_dim=5, **size)
    images = generator(tf.zeros([2, 5]), training=False)
    assert images.shape == [2, image_size, image_size, channels]
    assert discriminator(images, training=False).shape == [2, 1]
    assert encoder(images, training=False).shape == [2, 5]


def test_other_sizes_are_an_error():
    with pytest.raises(ValueError, match="image_size=48"):
        networks.build_discriminator(image_size=48, channels=1)


def test_weights_are_drawn_from_n_0_002_by_the_seed():
    def kernel(seed):
        generator = networks.build_generator(
            image_size=32, channels=1, latent_dim=64, width=16, seed=seed
        )
        return generator.layers[1].get_weights()[0]

    assert abs(kernel(0).std() - 0.02) < 0.001
    np.testing.assert_array_equal(kernel(0), kernel(0))
    assert not np.array_equal(kernel(0), kernel(1))


def test_no_bias_goes_before_batch_normalisation():
    generator = networks.build_generator(
        image_size=32, channels=1, latent_dim=4, width=4
    )
    for layer, after in zip(
        generator.layers, generator.layers[1:], strict=False
    ):
        if type(after).__name__ in ("BatchNormalization", "Reshape"):
            assert not getattr(layer, "use_bias", False)


def test_outputs_are_float32_in_mixed_precision():
    generator = networks.build_generator(
        image_size=32,
        channels=1,
        latent_dim=4,
        width=4,
        activation="tanh",
        dtype="mixed_bfloat16",
    )
    images = generator(tf.ones([2, 4]), training=False)
    assert images.dtype == tf.float32
    assert generator.layers[1].compute_dtype == "bfloat16"


def test_an_untrained_encoder_adds_nothing():
    encoder = networks.build_encoder(
        image_size=32, channels=1, latent_dim=4, width=4
    )
    latents = encoder(tf.random.stateless_normal([3, 32, 32, 1], [0, 1]))
    np.testing.assert_array_equal(latents, np.zeros([3, 4]))


def test_leaky_relu_is_a_fifth_below_zero():
    found = networks.leaky_relu(tf.constant([-5.0, 0.0, 5.0]))
    np.testing.assert_allclose(found, [-1.0, 0.0, 5.0])
