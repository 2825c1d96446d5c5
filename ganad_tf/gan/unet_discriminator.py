"""The U-Net discriminator: real or not, for every pixel, and what is real.

Schoenfeld, Schiele & Khoreva (2020), "A U-Net Based Discriminator for
Generative Adversarial Networks". It is fully convolutional: it learns from
crops and judges images of any size at their own resolution.

There are two of them. The discriminator only tells defects from the rest; its
features answer to the smallest change, but go blind to whatever no synthetic
defect changes. The restorer also restores the image without its defects (as
the first network of DRAEM does, Zavrtanik et al. 2021); its features keep all
that an image shows, but look past changes that restoring hardly needs. Which of
them is better depends on the parts, and nobody can know it beforehand.
"""

from __future__ import annotations

import itertools

import keras
import tensorflow as tf

# The networks, and the share of the width that each has: with half of it the
# discriminator takes a quarter of the time and loses next to nothing.
WIDTHS = {"discriminator": 0.5, "restorer": 1.0}
NETWORKS = tuple(WIDTHS)
# Features of both are taken at these layers: the encoder's at 1/2, 1/4 and 1/8
# of the resolution, the decoder's at 1/8, 1/4 and 1/2.
LAYERS = ("encoder_2", "encoder_4", "encoder_8")
LAYERS += ("decoder_8", "decoder_4", "decoder_2")
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
        values = tf.reshape(values, [-1, groups, size])
        means = tf.reduce_mean(values, axis=2, keepdims=True)
        return tf.reshape(means * tf.ones([size]), [-1, channels])

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
    """Builds the two U-Net discriminators as one model.

    Each has a 4x4 stem of stride 2, three further strided 3x3 convolutions,
    each stage followed by one more convolution; a decoder of bilinear
    upsampling, skip connection and a 3x3 convolution at each level; one logit
    a pixel, the restorer also the restored pixel.

    Args:
        channels: Of the images, 1 for gray, 3 for RGB.
        width: Channels of the restorer at half of the resolution; doubled at
            each coarser one. The discriminator has half as many.
        seed: Of the initial weights.
        dtype: Keras dtype policy of the hidden layers, "float32" or
            "mixed_bfloat16".

    Returns:
        discriminator: Model from float32 images (batch, height, width,
            channels) in [-1, 1], sides multiples of `STRIDE`, to a dict of
            float32 `"<network>/logits"` (batch, height, width, 1), high where
            defective, features `"<network>/<layer>"` of each of `NETWORKS` and
            `LAYERS` (batch, rows, columns, channels), and float32 `"restored"`
            images of the shape of the images.
    """
    images = keras.Input([None, None, channels], name="images")
    outputs = {}
    for number, (name, share) in enumerate(WIDTHS.items()):
        layers = _Layers(dtype, seed=seed + 100 * number)
        features = layers.unet(images, max(int(share * width), 1))
        features["logits"] = layers.logits(features["decoder_2"])
        outputs |= {f"{name}/{key}": value for key, value in features.items()}
    outputs["restored"] = layers.restored(features["decoder_2"], channels)
    return keras.Model(images, outputs, name="unet_discriminator")


class _Layers:
    """Makes layers whose initial weights have seeds of their own."""

    def __init__(self, dtype: str, *, seed: int):
        self._dtype = dtype
        self._seeds = itertools.count(seed)

    def convolve(self, hidden, filters, kernel_size=3, strides=1):
        hidden = keras.layers.Conv2D(
            filters,
            kernel_size,
            strides,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(next(self._seeds)),
            dtype=self._dtype,
        )(hidden)
        hidden = GroupNormalization(dtype=self._dtype)(hidden)
        return keras.layers.LeakyReLU(0.1, dtype=self._dtype)(hidden)

    def unet(self, hidden, width: int):
        """Features of `LAYERS`."""
        strides, features = (2, 4, 8), {}
        for level, stride in enumerate(strides):
            filters, kernel_size = width * 2**level, 3 if level else 4
            hidden = self.convolve(hidden, filters, kernel_size, 2)
            hidden = self.convolve(hidden, filters)
            features[f"encoder_{stride}"] = hidden
        hidden = self.convolve(hidden, 8 * width, strides=2)
        hidden = self.convolve(hidden, 8 * width)
        for stride in reversed(strides):
            skip = features[f"encoder_{stride}"]
            hidden = keras.layers.Concatenate(dtype=self._dtype)(
                [self._upsample(hidden, self._dtype), skip]
            )
            hidden = self.convolve(hidden, skip.shape[-1])
            features[f"decoder_{stride}"] = hidden
        return features

    def logits(self, hidden):
        logits = keras.layers.Conv2D(
            1,
            3,
            padding="same",
            kernel_initializer=keras.initializers.HeNormal(next(self._seeds)),
            dtype="float32",
        )(hidden)
        return self._upsample(logits, "float32")

    def restored(self, hidden, channels: int):
        return keras.layers.Conv2DTranspose(
            channels,
            4,
            2,
            padding="same",
            kernel_initializer=keras.initializers.HeNormal(next(self._seeds)),
            dtype="float32",
        )(hidden)

    def _upsample(self, hidden, dtype: str):
        return keras.layers.UpSampling2D(interpolation="bilinear", dtype=dtype)(
            hidden
        )
