"""The networks: DCGAN generator and discriminator, and the encoder."""

from __future__ import annotations

import keras
import numpy as np

from ganad_tf.errors import UserError
from ganad_tf.gan.batch_normalization import BatchNormalization

IMAGE_SIZES = (16, 32, 64, 128)
# A multiple of the stride of 2, so that every output pixel of a transposed
# convolution has as many taps: no checkerboard (Odena et al. 2016).
_KERNEL = 4


@keras.saving.register_keras_serializable("ganad_tf")
def leaky_relu(inputs):
    """`max(x, x / 5)`."""
    return keras.ops.leaky_relu(inputs, negative_slope=0.2)


def _initializer(seed: int, stddev: float = 0.02):
    """Weights of N(0, 0.02), Radford et al. (2016), section 4."""
    return keras.initializers.RandomNormal(stddev=stddev, seed=seed)


def _num_stages(image_size: int) -> int:
    if image_size not in IMAGE_SIZES:
        raise UserError(
            "Invalid value for argument `image_size`. Expected one of "
            f"{IMAGE_SIZES}. Received: image_size={image_size}"
        )
    return int(np.log2(image_size)) - 2  # from 4x4 pixels up


def build_generator(
    *,
    image_size: int,
    channels: int,
    latent_dim: int,
    width: int = 16,
    activation: str = "linear",
    output_stddev: float = 0.02,
    seed: int = 0,
    dtype: str = "float32",
) -> keras.Model:
    """Builds the DCGAN generator (Radford et al. 2016).

    A dense layer to 4x4 pixels, then 4x4 transposed convolutions of stride
    2, batch normalisation and ReLU, and a last convolution in float32.

    Args:
        image_size: Side of the images in pixels: 16, 32, 64 or 128.
        channels: 1 for gray, 3 for RGB.
        latent_dim: Length of a latent.
        width: Channels of the last hidden layer; doubled at each coarser one.
        activation: Of the output: "tanh" where the generator stands alone,
            "linear" where it adds to a `LinearHead`.
        output_stddev: Scale of the last layer's initial weights.
        seed: Of the initial weights.
        dtype: Keras dtype policy of the hidden layers, "float32" or
            "mixed_bfloat16".

    Returns:
        generator: Model from float32 latents (batch, latent_dim) to float32
            images (batch, image_size, image_size, channels).
    """
    stages = _num_stages(image_size)
    filters = [width * 2**stage for stage in reversed(range(stages))]
    latents = keras.Input([latent_dim], name="latents")
    hidden = keras.layers.Dense(
        16 * filters[0],
        use_bias=False,
        kernel_initializer=_initializer(seed),
        dtype=dtype,
    )(latents)
    hidden = keras.layers.Reshape([4, 4, filters[0]], dtype=dtype)(hidden)
    for stage, channels_in in enumerate(filters):
        hidden = BatchNormalization(momentum=0.9, dtype=dtype)(hidden)
        hidden = keras.layers.ReLU(dtype=dtype)(hidden)
        last = stage == stages - 1
        hidden = keras.layers.Conv2DTranspose(
            channels if last else channels_in // 2,
            _KERNEL,
            strides=2,
            padding="same",
            use_bias=last,
            kernel_initializer=_initializer(
                seed + stage + 1, output_stddev if last else 0.02
            ),
            dtype=dtype,
        )(hidden)
    images = keras.layers.Activation(activation, dtype="float32")(hidden)
    return keras.Model(latents, images, name="generator")


def _strided_convolutions(
    image_size, channels, width, *, normalize, seed, dtype
):
    """Input images, and 4x4 convolutions of stride 2 down to 4x4 pixels."""
    images = keras.Input([image_size, image_size, channels], name="images")
    hidden = images
    for stage in range(_num_stages(image_size)):
        hidden = keras.layers.Conv2D(
            width * 2**stage,
            _KERNEL,
            strides=2,
            padding="same",
            use_bias=False,
            # Without normalisation, weights as small as DCGAN's would let the
            # signal vanish from layer to layer.
            kernel_initializer=_initializer(seed + stage)
            if normalize
            else keras.initializers.HeNormal(seed=seed + stage),
            dtype=dtype,
        )(hidden)
        if normalize and stage > 0:
            hidden = BatchNormalization(momentum=0.9, dtype=dtype)(hidden)
        hidden = keras.layers.Activation(leaky_relu, dtype=dtype)(hidden)
    return images, keras.layers.Flatten(dtype=dtype)(hidden)


def build_discriminator(
    *,
    image_size: int,
    channels: int,
    width: int = 16,
    seed: int = 0,
    dtype: str = "float32",
) -> keras.Model:
    """Builds the DCGAN discriminator (Radford et al. 2016).

    Args:
        image_size: Side of the images in pixels: 16, 32, 64 or 128.
        channels: 1 for gray, 3 for RGB.
        width: Channels of the first layer; doubled at each coarser one.
        seed: Of the initial weights.
        dtype: Keras dtype policy of the hidden layers.

    Returns:
        discriminator: Model from images in [-1, 1] to float32 logits of
            shape (batch, 1); high means real.
    """
    images, hidden = _strided_convolutions(
        image_size, channels, width, normalize=True, seed=seed, dtype=dtype
    )
    logits = keras.layers.Dense(
        1, kernel_initializer=_initializer(seed + 99), dtype="float32"
    )(hidden)
    return keras.Model(images, logits, name="discriminator")


def build_encoder(
    *,
    image_size: int,
    channels: int,
    latent_dim: int,
    width: int = 16,
    seed: int = 0,
    dtype: str = "float32",
) -> keras.Model:
    """Builds the encoder that guesses the latent of an image.

    Strided convolutions without normalisation, and a dense layer that starts
    at zero, so that an untrained encoder adds nothing to the linear head.

    Args:
        image_size: Side of the images in pixels: 16, 32, 64 or 128.
        channels: 1 for gray, 3 for RGB.
        latent_dim: Length of a latent.
        width: Channels of the first layer; doubled at each coarser one.
        seed: Of the initial weights.
        dtype: Keras dtype policy of the hidden layers.

    Returns:
        encoder: Model from images in [-1, 1] to float32 latents of shape
            (batch, latent_dim).
    """
    images, hidden = _strided_convolutions(
        image_size, channels, width, normalize=False, seed=seed, dtype=dtype
    )
    latents = keras.layers.Dense(
        latent_dim, kernel_initializer="zeros", dtype="float32"
    )(hidden)
    return keras.Model(images, latents, name="encoder")
