"""The field of features: what bands and U-Net discriminator show in each cell.

Cells are squares of the image. The features of a level are averaged in each
cell. Each cell's features have a Gaussian of their own, given
the latent of the whole image (`ConditionalField`). Nobody has to know whether
images show aligned parts or a texture: cells of a texture merely have Gaussians
that are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import keras
import tensorflow as tf

from ganad_tf.detector.band_energies import BANDS
from ganad_tf.detector.band_energies import RELATIVE_BANDS
from ganad_tf.detector.band_energies import band_energies
from ganad_tf.detector.conditional_field import ConditionalField
from ganad_tf.gan.unet_discriminator import NETWORKS


class Level(NamedTuple):
    """Outputs of the U-Net discriminator, or bands, compared together."""

    outputs: tuple[str, ...]
    weight: float  # in the anomaly score
    words: str  # what reports say that it sees
    # Standardised by mean and deviation over the image, so that its contrast
    # does not count.
    relative: bool = False
    # The largest value of each cell stands beside the mean.
    peaks: bool = False


# Of each network: its encoder sees a neighbourhood, its decoder the part. The
# four in the middle are alike: together they weigh 1. The restorer weighs half:
# most of what it sees the energies of bands show as well.
_SHARES = {"discriminator": 1.0, "restorer": 0.5}
_ENCODER = ("encoder_2", "encoder_4")
_NETWORK_LEVELS: Mapping[str, Level] = {
    "fine": Level(_ENCODER, 0.5, "details of some pixels"),
    "relative": Level(
        _ENCODER, 0.5, "details relative to the image", relative=True
    ),
    "coarse": Level(("encoder_8",), 0.25, "structure of some 20 pixels"),
    "context_8": Level(("decoder_8",), 0.25, "structure in its context"),
    "context_4": Level(("decoder_4",), 0.25, "details in their context"),
    "context_2": Level(("decoder_2",), 0.25, "fine details in their context"),
    "verdict": Level(
        ("logits",), 0.5, "likeness to synthetic defects", peaks=True
    ),
}


def _level_of(network: str, level: Level) -> Level:
    return level._replace(
        weight=_SHARES[network] * level.weight,
        outputs=tuple(f"{network}/{output}" for output in level.outputs),
        words=f"{level.words}, as the {network} sees it",
    )


LEVELS: Mapping[str, Level] = {
    "energies": Level(BANDS, 1.0, "strength of details", peaks=True),
    "relative_energies": Level(
        RELATIVE_BANDS,
        1.0,
        "strength of details relative to the image",
        peaks=True,
    ),
    **{
        f"{network}_{name}": _level_of(network, level)
        for network in NETWORKS
        for name, level in _NETWORK_LEVELS.items()
    },
    "restoration": Level(
        ("residuals",), 0.25, "difference from the restored image", peaks=True
    ),
}
# Logits are as good as certain beyond this.
_MAX_LOGIT = 12.0
# Side of a cell in pixels.
CELL_SIZE = 16
# Leading latents that cells are conditional on, at most.
MAX_LATENTS = 48


class FieldView(NamedTuple):
    """What the field sees of a batch of images, one row for each."""

    # By level, float32 of shape (batch, num_rows, num_columns, dim).
    features: dict[str, tf.Tensor]
    restored: tf.Tensor  # (batch, height, width, channels), without defects


class FeatureField:
    """Cell features of images, and their distances to qualified ones.

    Args:
        unet: A trained U-Net discriminator.
        image_size: (height, width) of the images in pixels, multiples of
            `CELL_SIZE`.
        latent_dim: Leading latents that cells are conditional on.

    Attributes:
        fields_: Fitted `ConditionalField` of each level.
    """

    def __init__(
        self,
        unet: keras.Model,
        *,
        image_size: tuple[int, int],
        latent_dim: int = MAX_LATENTS,
    ):
        self.unet = unet
        self.image_size = tuple(image_size)
        self.latent_dim = latent_dim
        self.fields_ = self.new_fields()

    def new_fields(self, first_image: int = 0) -> dict[str, ConditionalField]:
        """Statistics of no images yet, by level.

        Args:
            first_image: Number of the first image among all of them.

        Returns:
            fields: Unfitted; `fields_` stay as they are.
        """
        return {
            level: ConditionalField(
                latent_dim=self.latent_dim, first_image=first_image
            )
            for level in LEVELS
        }

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this field, except `unet`."""
        return {
            "image_size": list(self.image_size),
            "latent_dim": self.latent_dim,
        }

    @property
    def num_rows(self) -> int:
        """Cells from top to bottom."""
        return self.image_size[0] // CELL_SIZE

    @property
    def num_columns(self) -> int:
        """Cells from left to right."""
        return self.image_size[1] // CELL_SIZE

    def describe(self, images: tf.Tensor) -> FieldView:
        """Restored images, and features of their cells by level.

        Args:
            images: float32 of shape (batch, *image_size, channels), [-1, 1].

        Returns:
            view: `FieldView`.
        """
        outputs = self.unet(images, training=False)
        for name in NETWORKS:
            outputs[f"{name}/logits"] = tf.clip_by_value(
                outputs[f"{name}/logits"], -_MAX_LOGIT, _MAX_LOGIT
            )
        outputs["residuals"] = tf.abs(images - outputs["restored"])
        outputs |= band_energies(images)
        features = {
            name: tf.concat(
                [self._cells(outputs[key], level) for key in level.outputs], -1
            )
            for name, level in LEVELS.items()
        }
        return FieldView(features, outputs["restored"])

    def _cells(self, features: tf.Tensor, level: Level) -> tf.Tensor:
        """What each cell shows of a layer's features, float32."""
        side = CELL_SIZE * features.shape[1] // self.image_size[0]
        features = tf.cast(features, tf.float32)
        if level.relative:
            features = _relative(features)
        means = tf.nn.avg_pool2d(features, side, side, "VALID")
        if not level.peaks or side == 1:
            return means
        peaks = tf.nn.max_pool2d(features, side, side, "VALID")
        return tf.concat([means, peaks], axis=-1)

    def frechet_distances(
        self, features: Mapping[str, tf.Tensor], latents: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """`ConditionalField.frechet_distances` as TensorFlow ops, by level.

        Args:
            features: `FieldView.features`.
            latents: float32 of shape (batch, latent_dim).

        Returns:
            distances: float32 of shape (batch, num_rows, num_columns).
        """
        return {
            level: _distances(
                field, features[level], latents[:, : self.latent_dim]
            )
            for level, field in self.fields_.items()
        }


def _relative(features: tf.Tensor) -> tf.Tensor:
    """Features in deviations of their channel over the image, from its mean."""
    mean, variance = tf.nn.moments(features, [1, 2], keepdims=True)
    deviation = tf.sqrt(variance)
    # Channels that show nothing stay small.
    floor = 0.05 * tf.reduce_mean(deviation, axis=-1, keepdims=True) + 1e-6
    return (features - mean) / (deviation + floor)


def _distances(
    field: ConditionalField, features: tf.Tensor, latents: tf.Tensor
) -> tf.Tensor:
    coefficients = tf.cast(tf.constant(field.coefficients_), tf.float32)
    whitening = tf.cast(tf.constant(field.whitening_), tf.float32)
    means = coefficients[0] + tf.tensordot(latents, coefficients[1:], 1)
    whitened = tf.einsum("nhwc,hwdc->nhwd", features - means, whitening)
    return tf.reduce_sum(whitened**2, axis=-1)
