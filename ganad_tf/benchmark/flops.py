"""Counts the floating-point operations of inversion and training.

Counted are the products and sums of dense and convolutional layers and of the
linear head, by their shapes, two for each multiply-add. Pyramid, normalisation,
activations, synthetic defects and optimizers are not counted: a share of the
ceiling by this count is a lower bound.
"""

from __future__ import annotations

import keras
import numpy as np

from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import timing
from ganad_tf.gan.gan import DCGAN

_DENSE = keras.layers.Dense
_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def _layer_flops(layer) -> int:
    """Forward operations of a layer for one image."""
    if isinstance(layer, _DENSE):
        return 2 * int(np.prod(layer.kernel.shape))
    if not isinstance(layer, _CONVOLUTIONS):
        return 0
    # A transposed convolution is strided on the side of its input.
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    grid = layer.input.shape if transposed else layer.output.shape
    return 2 * int(np.prod(layer.kernel.shape)) * grid[1] * grid[2]


def forward(network: keras.Model) -> int:
    """Operations of a forward pass of a network for one image."""
    return sum(map(_layer_flops, network.layers))


def _first(network: keras.Model) -> int:
    """Operations of the first layer, which passes no gradient on."""
    return next(filter(None, map(_layer_flops, network.layers)))


def _head(gan: DCGAN) -> int:
    return 2 * int(np.prod(gan.linear_head.components.shape))


def inversion_step(gan: DCGAN) -> int:
    """Operations of an inversion step of one image, forward and backward."""
    # The backward pass is as dear as the forward pass: gradients are those of
    # the latents alone, weights have none.
    return 2 * (forward(gan.generator) + _head(gan))


def training_step(gan: DCGAN) -> int:
    """Operations of a training step of the joint method, per training image.

    The backward pass of a network costs a forward pass for the gradient of the
    weights and another for the gradient of the input. For each real image the
    generator makes two images, the encoder sees two and the discriminator
    three. The discriminator also passes a gradient of the generated images to
    the generator.
    """
    generator, encoder, discriminator = map(
        forward, (gan.generator, gan.encoder, gan.discriminator)
    )
    return (
        2 * 3 * generator
        + 2 * (3 * encoder - _first(gan.encoder))
        + 3 * (3 * discriminator - _first(gan.discriminator))
        + 2 * discriminator
        + (2 + 1 + 1 + 1) * _head(gan)
    )


def measure() -> dict[str, timing.Figure]:
    """Counts of the default networks, in millions of operations per image."""
    gan = synthetic.build_gan()
    return {
        f"{name}, MFLOP/image": {"count": count / 1e6}
        for name, count in {
            "generator forward": forward(gan.generator),
            "encoder forward": forward(gan.encoder),
            "discriminator forward": forward(gan.discriminator),
            "linear head": _head(gan),
            "inversion step": inversion_step(gan),
            "training step": training_step(gan),
        }.items()
    }
