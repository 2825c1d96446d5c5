"""Counts the floating-point operations of inversion and training.

    python tools/benchmark_flops.py

prints one JSON for the default networks at 64x64 gray pixels. Counted are the
products and sums of dense and convolutional layers and of the linear head, by
their shapes, two a multiply-add. Pyramid, normalisation, activations, synthetic
defects and optimizers are work too, but are left out: a share of the ceiling
by this count is a lower bound.
"""

import cli  # before TensorFlow

# isort: split
import keras
import numpy as np

import benchmark_cli

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
    """Operations of a network for one image, forward."""
    return sum(map(_layer_flops, network.layers))


def _first(network: keras.Model) -> int:
    """Operations of the first layer, which hands on no gradient."""
    return next(filter(None, map(_layer_flops, network.layers)))


def _head(gan) -> int:
    return 2 * int(np.prod(gan.linear_head.components.shape))


def inversion_step(gan) -> int:
    """Of one image: generator and head forward, and back to the latent."""
    return 2 * (forward(gan.generator) + _head(gan))


def training_step(gan) -> int:
    """Of one image of a batch, by `DCGAN.train_step` of the joint method.

    Backward, a network costs its forward pass once for the weights and once
    for what is handed on. The generator makes two images for each real one,
    the encoder sees two, and the discriminator sees three; of the generated
    ones it hands the gradient on a second time, to the generator.
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


def measure() -> dict[str, benchmark_cli.Figure]:
    """Returns the counts by name, in millions an image."""
    gan = benchmark_cli.build_gan()
    return {
        f"{name}, MFLOP an image": {"count": count / 1e6}
        for name, count in {
            "generator forward": forward(gan.generator),
            "encoder forward": forward(gan.encoder),
            "discriminator forward": forward(gan.discriminator),
            "linear head": _head(gan),
            "step of inversion": inversion_step(gan),
            "step of training": training_step(gan),
        }.items()
    }


if __name__ == "__main__":
    cli.run(lambda: benchmark_cli.print_json(measure()))
