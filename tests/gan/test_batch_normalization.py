import keras
import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.gan.batch_normalization import BatchNormalization


@pytest.fixture
def inputs():
    values = np.random.default_rng(0).normal(2.0, 3.0, [8, 4, 4, 3])
    return tf.constant(values, tf.float32)


def layers(inputs, **arguments):
    """Ours and that of Keras, built."""
    made = (
        BatchNormalization(momentum=0.9, **arguments),
        keras.layers.BatchNormalization(momentum=0.9, **arguments),
    )
    for layer in made:
        layer(inputs)
        layer.gamma.assign([0.5, 1.0, 2.0])
        layer.beta.assign([1.0, 0.0, -1.0])
    return made


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("training", [True, False, None])
def test_it_is_that_of_keras(inputs, training, dtype):
    ours, theirs = layers(inputs, dtype=dtype)
    for _ in range(2):
        outputs = [layer(inputs, training=training) for layer in (ours, theirs)]
        assert outputs[0].dtype == outputs[1].dtype
        np.testing.assert_allclose(
            *(tf.cast(output, tf.float32) for output in outputs), rtol=1e-5
        )
    for one, other in zip(
        ours.get_weights(), theirs.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_the_graph_decides_whether_it_is_frozen(inputs):
    ours, theirs = layers(inputs)

    @tf.function
    def run(training):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = ours(inputs, training=training)
            loss = tf.reduce_sum(outputs**3)
        return outputs, tape.gradient(loss, inputs)

    for training in (True, False, True):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            expected = theirs(inputs, training=training)
            loss = tf.reduce_sum(expected**3)
        outputs, gradient = run(tf.constant(training))
        np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            gradient, tape.gradient(loss, inputs), rtol=1e-3, atol=1e-3
        )
    for one, other in zip(
        ours.get_weights(), theirs.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_copy_is_frozen(inputs):
    layer, _ = layers(inputs)
    layer.trainable = False
    before = layer.get_weights()
    layer(inputs, training=True)
    for one, other in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
