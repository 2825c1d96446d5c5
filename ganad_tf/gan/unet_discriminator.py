"""The U-Net discriminator: real or not, for every pixel, and what is real.

Schoenfeld, Schiele & Khoreva (2020), "A U-Net Based Discriminator for
Generative Adversarial Networks". It is fully convolutional: it learns from
crops and judges images of any size at their own resolution. A second head
restores the image without its defects (as the first network of DRAEM does,
Zavrtanik et al. 2021), so that features keep what an image shows, not only what
tells a defect: they see changes of a kind that no synthetic defect has.
"""

from __future__ import annotations

import itertools

import keras
import tensorflow as tf

# Features are taken at these layers, by name: the encoder's at 1/2, 1/4 and
# 1/8 of the resolution, the decoder's at 1/8, 1/4 and 1/2, and those of two
# stages that stay at their random initial weights.
LEVELS = ("encoder_2", "encoder_4", "encoder_8")
LEVELS += ("decoder_8", "decoder_4", "decoder_2")
LEVELS += ("texture_2", "texture_4")
# Images' sides are multiples of the coarsest stride.
STRIDE = 16
# Groups of channels that are normalised together.
_NUM_GROUPS = 8


@keras.saving.register_keras_serializable("ganad_tf")
class GroupNormalization(keras.layers.Layer):
    """Group normalisation (Wu & He 2018) by the moments of whole channels.

    A feature is judged relative to its own image, so the contrast of an image
    does not count, while its batch never matters. The same as
    `keras.layers.GroupNormalization`, which reshapes to five dimensions: one
    product and one sum a value instead halve a training step's time on a CPU.

    Args:
        groups: Groups of channels; at most as many as there are channels.
        epsilon: Added to the variance.

    Call arguments:
        inputs: Floats of shape (batch, height, width, channels).

    Returns:
        outputs: Floats of the same shape and dtype.
    """

    def __init__(
        self, groups: int = _NUM_GROUPS, epsilon: float = 1e-3, **kwargs
    ):
        super().__init__(**kwargs)
        self.groups = groups
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = input_shape[-1]
        self.scale = self.add_weight(
            shape=[channels], initializer="ones", name="scale"
        )
        self.offset = self.add_weight(
            shape=[channels], initializer="zeros", name="offset"
        )

    def call(self, inputs):
        values = tf.cast(inputs, tf.float32)
        mean = self._over_groups(tf.reduce_mean(values, [1, 2]))
        square = self._over_groups(tf.reduce_mean(values**2, [1, 2]))
        variance = tf.maximum(square - mean**2, 0.0)
        factor = tf.math.rsqrt(variance + self.epsilon)
        factor *= tf.cast(self.scale, tf.float32)
        summand = tf.cast(self.offset, tf.float32) - mean * factor
        factor, summand = (
            tf.cast(v[:, None, None], inputs.dtype) for v in (factor, summand)
        )
        return inputs * factor + summand

    def _over_groups(self, values: tf.Tensor) -> tf.Tensor:
        """Means over the channels of a group, for each channel."""
        channels = values.shape[-1]
        groups = min(self.groups, channels)
        size = channels // groups
        means = tf.reduce_mean(tf.reshape(values, [-1, groups, size]), axis=2)
        return tf.repeat(means, size, axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "groups": self.groups,
            "epsilon": self.epsilon,
        }


def build_unet_discriminator(
    *, channels: int, width: int = 16, seed: int = 0, dtype: str = "float32"
) -> keras.Model:
    """Builds the U-Net discriminator.

    A 4x4 stem of stride 2, three further strided 3x3 convolutions, each stage
    followed by one more convolution; a decoder of bilinear upsampling, skip
    connection and a 3x3 convolution at each level; one logit a pixel, and the
    restored pixel. Beside them stand two stages of random filters, which are
    never trained: what training makes of features loses sight of changes that
    no synthetic defect shows, and random filters respond to every texture.

    Args:
        channels: Of the images, 1 for gray, 3 for RGB.
        width: Channels at half of the resolution; doubled at each coarser one.
        seed: Of the initial weights.
        dtype: Keras dtype policy of the hidden layers, "float32" or
            "mixed_bfloat16".

    Returns:
        discriminator: Model from float32 images (batch, height, width,
            channels) in [-1, 1], sides multiples of `STRIDE`, to a dict of
            float32 `logits` (batch, height, width, 1), high where defective,
            float32 `restored` images of the shape of the images, and the
            features of `LEVELS` (batch, rows, columns, channels).
    """
    layers = _Layers(dtype, seed=seed)
    images = keras.Input([None, None, channels], name="images")
    skips, hidden = layers.encode(images, width, (2, 4, 8), "encoder")
    hidden = layers.convolve(hidden, 8 * width, strides=2)
    hidden = layers.convolve(hidden, 8 * width)
    outputs = {f"encoder_{stride}": skip for stride, skip in skips.items()}
    for level, stride in reversed(list(enumerate(skips))):
        hidden = keras.layers.Concatenate(dtype=dtype)(
            [layers.upsample(hidden), skips[stride]]
        )
        name = f"decoder_{stride}"
        hidden = layers.convolve(hidden, width * 2**level, name=name)
        outputs[name] = hidden
    outputs |= _heads(hidden, channels, seed + 100)
    frozen = _Layers(dtype, seed=seed + 200, trainable=False)
    textures, _ = frozen.encode(images, width, (2, 4), "texture")
    outputs |= {f"texture_{stride}": t for stride, t in textures.items()}
    return keras.Model(images, outputs, name="unet_discriminator")


class _Layers:
    """Makes layers whose initial weights have seeds of their own."""

    def __init__(self, dtype: str, *, seed: int, trainable: bool = True):
        self._dtype = dtype
        self._seeds = itertools.count(seed)
        self._trainable = trainable

    def convolve(self, hidden, filters, kernel_size=3, strides=1, name=None):
        hidden = keras.layers.Conv2D(
            filters,
            kernel_size,
            strides,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(next(self._seeds)),
            dtype=self._dtype,
            trainable=self._trainable,
        )(hidden)
        hidden = GroupNormalization(
            dtype=self._dtype, trainable=self._trainable
        )(hidden)
        return keras.layers.LeakyReLU(0.1, dtype=self._dtype, name=name)(hidden)

    def encode(self, hidden, width: int, strides, prefix: str):
        """Features by stride, and the last of them."""
        skips = {}
        for level, stride in enumerate(strides):
            filters, kernel_size = width * 2**level, 3 if level else 4
            hidden = self.convolve(hidden, filters, kernel_size, 2)
            name = f"{prefix}_{stride}"
            skips[stride] = hidden = self.convolve(hidden, filters, name=name)
        return skips, hidden

    def upsample(self, hidden):
        return keras.layers.UpSampling2D(
            interpolation="bilinear", dtype=self._dtype
        )(hidden)


def _heads(hidden, channels: int, seed: int) -> dict[str, keras.KerasTensor]:
    """Logits and restored images of features at half of the resolution."""
    initializer = keras.initializers.HeNormal(seed=seed)
    logits = keras.layers.Conv2D(
        1,
        3,
        padding="same",
        kernel_initializer=initializer,
        dtype="float32",
    )(hidden)
    restored = keras.layers.Conv2DTranspose(
        channels,
        4,
        2,
        padding="same",
        kernel_initializer=initializer,
        dtype="float32",
    )(hidden)
    logits = keras.layers.UpSampling2D(
        interpolation="bilinear", dtype="float32"
    )(logits)
    return {"logits": logits, "restored": restored}
