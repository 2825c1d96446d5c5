import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.gan import frozen_generator
from ganad_tf.gan import networks


def draw(*shape, seed=0):
    return tf.random.stateless_normal(shape, [seed, 1])


@pytest.mark.parametrize("height, width, channels", [(4, 4, 1), (5, 3, 3)])
def test_values_and_gradients_are_those_of_tensorflow(height, width, channels):
    inputs = draw(2, height, width, 6)
    kernel = draw(4, 4, channels, 6, seed=1)
    weights = draw(2, 2 * height, 2 * width, channels, seed=2)

    def reference(inputs, kernel):
        return tf.nn.conv2d_transpose(inputs, kernel, weights.shape, 2)

    def with_gradients(function):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            outputs = function(inputs, kernel)
        return outputs, *tape.gradient(outputs, [inputs, kernel], weights)

    for found, expected in zip(
        with_gradients(frozen_generator.subpixel_transposed_convolution),
        with_gradients(reference),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "options, tolerance",
    [
        ({"channels": 1}, 1e-5),
        ({"channels": 3, "activation": "tanh"}, 1e-5),
        ({"channels": 1, "dtype": "mixed_bfloat16"}, 0.05),
    ],
)
def test_images_are_those_of_the_generator(options, tolerance):
    generator = networks.build_generator(
        image_size=32, latent_dim=5, width=4, output_stddev=1.0, **options
    )
    generate = frozen_generator.frozen_generator(generator)
    for weight in generator.weights:  # as a training leaves them
        weight.assign(weight + 0.1 * tf.abs(draw(*weight.shape)))
    latents = draw(3, 5)
    expected = generator(latents, training=False).numpy()
    found = generate(latents)
    assert found.dtype == tf.float32
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=tolerance * scale)
    assert expected.std() > 0.1 * scale
