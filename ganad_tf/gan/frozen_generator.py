"""The frozen generator, as it is inverted and served; faster, equal values."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf


@tf.custom_gradient
def subpixel_transposed_convolution(inputs: tf.Tensor, kernel: tf.Tensor):
    """A transposed 4x4 convolution of stride 2, "SAME", to few channels.

    Every pixel of the output sees 2x2 of the input. So one 2x2 convolution
    gives the four output pixels of each input pixel as channels, which
    `depth_to_space` puts in their places (Shi et al. 2016, "sub-pixel
    convolution"). To few channels that is faster than TensorFlow's own; the
    gradients are those of its own, which are fast.

    Args:
        inputs: Floats of shape (batch, height, width, channels_in).
        kernel: Floats of shape (4, 4, channels_out, channels_in), as of
            `keras.layers.Conv2DTranspose`.

    Returns:
        outputs: Floats of shape (batch, 2 height, 2 width, channels_out).

    Example:
    >>> inputs = tf.random.stateless_normal([2, 8, 8, 16], seed=[0, 1])
    >>> kernel = tf.random.stateless_normal([4, 4, 1, 16], seed=[0, 2])
    >>> expected = tf.nn.conv2d_transpose(inputs, kernel, [2, 16, 16, 1], 2)
    >>> outputs = subpixel_transposed_convolution(inputs, kernel)
    >>> difference = outputs - expected
    >>> bool(tf.reduce_max(tf.abs(difference)) < 1e-4)
    True
    """

    def gradients(upstream):
        return (
            tf.nn.conv2d(upstream, kernel, 2, "SAME"),
            tf.raw_ops.Conv2DBackpropFilter(
                input=upstream,
                filter_sizes=kernel.shape,
                out_backprop=inputs,
                strides=[1, 2, 2, 1],
                padding="SAME",
            ),
        )

    channels_out, channels_in = kernel.shape[2:]
    # Output pixel (2i + p, 2j + q) sees two taps along each axis: the kernel
    # is split by the phases p and q, which become channels.
    taps = tf.reshape(kernel, [2, 2, 2, 2, channels_out, channels_in])
    phases = tf.transpose(taps[::-1, :, ::-1], [0, 2, 5, 1, 3, 4])
    phases = tf.reshape(phases, [2, 2, channels_in, 4 * channels_out])
    padded = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
    outputs = tf.nn.conv2d(padded, phases, 1, "VALID")
    # The padding has added a border of one pixel.
    return tf.nn.depth_to_space(outputs, 2)[:, 1:-1, 1:-1], gradients


def _fold_normalization(
    convolution, normalization
) -> tuple[tf.Tensor, tf.Tensor]:
    """Kernel and bias of a convolution and the normalization behind it."""
    deviations = tf.sqrt(
        normalization.moving_variance.value + normalization.epsilon
    )
    scales = normalization.gamma.value / deviations
    offsets = normalization.beta.value
    bias = offsets - normalization.moving_mean.value * scales
    return convolution.kernel.value * scales[:, None], bias


def _transposed_convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A transposed convolution of stride 2 to many channels."""
    batch, height, width, _ = tf.unstack(tf.shape(inputs))
    shape = [batch, 2 * height, 2 * width, kernel.shape[2]]
    return tf.nn.conv2d_transpose(inputs, kernel, shape, strides=2)


def frozen_generator(
    generator: keras.Model,
) -> Callable[[tf.Tensor], tf.Tensor]:
    """A generator in inference mode, as a function of TensorFlow ops.

    A frozen normalisation is one factor and one offset for each channel; the
    factors are folded into the kernels before it.

    Args:
        generator: Of `networks.build_generator`. Its weights stay its own and
            are read at each call.

    Returns:
        generate: From latents (batch, latent_dim) to what `generator` gives
            for them with `training=False`, up to rounding.
    """
    layers = generator.layers
    first = next(
        i for i, x in enumerate(layers) if isinstance(x, keras.layers.ReLU)
    )
    head = keras.Model(generator.input, layers[first].output)
    # Behind the first ReLU follow convolution, normalisation and ReLU of each
    # stage, and the last convolution with its activation.
    *hidden_layers, last, activation = layers[first + 1 :]
    stages = list(zip(hidden_layers[::3], hidden_layers[1::3], strict=True))

    def generate(latents: tf.Tensor) -> tf.Tensor:
        hidden = head(latents, training=False)
        for convolution, normalization in stages:
            kernel, bias = (
                tf.cast(weight, hidden.dtype)
                for weight in _fold_normalization(convolution, normalization)
            )
            hidden = tf.nn.relu(
                tf.nn.bias_add(_transposed_convolution(hidden, kernel), bias)
            )
        kernel, bias = (
            tf.cast(weight.value, hidden.dtype)
            for weight in (last.kernel, last.bias)
        )
        outputs = subpixel_transposed_convolution(hidden, kernel)
        return activation(tf.nn.bias_add(outputs, bias))

    return generate
