"""The field of features: what the U-Net discriminator sees in each cell.

Cells are squares of the image. The features of a level of the network are
averaged in each cell. Each cell's features have a Gaussian of their own, given
the latent of the whole image (`ConditionalField`). Nobody has to know whether
images show aligned parts or a texture: cells of a texture merely have Gaussians
that are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganad_tf.detector.conditional_field import ConditionalField

# Levels of the field: layers of the U-Net discriminator whose features are
# compared together. The encoder's see a neighbourhood, the decoder's the part.
LEVELS: Mapping[str, tuple[str, ...]] = {
    "fine": ("encoder_2", "encoder_4"),
    "coarse": ("encoder_8",),
    "context_8": ("decoder_8",),
    "context_4": ("decoder_4",),
    "context_2": ("decoder_2",),
}
# Side of a cell in pixels.
CELL_SIZE = 16
# Leading latents that cells are conditional on, at most.
MAX_LATENTS = 48


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
        self.fields_ = self._new_fields()

    def _new_fields(self) -> dict[str, ConditionalField]:
        return {
            level: ConditionalField(latent_dim=self.latent_dim)
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

    def describe(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Cell features of images, by level.

        Args:
            images: float32 of shape (batch, height, width, channels).

        Returns:
            features: float32 of shape (batch, num_rows, num_columns, dim).
        """
        outputs = self.unet(images, training=False)
        return {
            level: tf.concat([self._average(outputs[n]) for n in names], -1)
            for level, names in LEVELS.items()
        }

    def _average(self, features: tf.Tensor) -> tf.Tensor:
        """Means of the features of a layer over cells, float32."""
        side = CELL_SIZE * features.shape[1] // self.image_size[0]
        features = tf.cast(features, tf.float32)
        return tf.nn.avg_pool2d(features, side, side, "VALID")

    def reset(self) -> None:
        """Forgets earlier statistics."""
        self.fields_ = self._new_fields()

    def update(
        self, features: Mapping[str, np.ndarray], latents: np.ndarray
    ) -> None:
        """Adds training images to the statistics.

        Args:
            features: What `describe` returned for them.
            latents: Floats of shape (batch, latent_dim).
        """
        for level, field in self.fields_.items():
            field.update(features[level], latents[:, : self.latent_dim])

    def finish(self) -> None:
        """Ends the fit; see `ConditionalField.finish`."""
        for field in self.fields_.values():
            field.finish()

    def frechet_distances(
        self, features: Mapping[str, tf.Tensor], latents: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """`ConditionalField.frechet_distances` as TensorFlow ops, by level.

        Args:
            features: What `describe` returned.
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


def _distances(
    field: ConditionalField, features: tf.Tensor, latents: tf.Tensor
) -> tf.Tensor:
    coefficients = tf.cast(tf.constant(field.coefficients_), tf.float32)
    whitening = tf.cast(tf.constant(field.whitening_), tf.float32)
    means = coefficients[0] + tf.tensordot(latents, coefficients[1:], 1)
    whitened = tf.einsum("nhwc,hwdc->nhwd", features - means, whitening)
    return tf.reduce_sum(whitened**2, axis=-1)
