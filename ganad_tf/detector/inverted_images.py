"""Inverted images: their latents, and the descriptors of these latents."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from ganad_tf.detector.feature_field import FieldView
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.inversion import LatentInverter


class InvertedImages(NamedTuple):
    """The inversion of a batch of images, one row for each."""

    descriptors: tf.Tensor  # (batch, dim), compared with the reference
    latents: tf.Tensor  # (batch, latent_dim)
    reconstructions: tf.Tensor  # (batch, height, width, channels), [-1, 1]
    view: FieldView | None = None  # of the field, if there is one


class ImageInverter:
    """Inverts images and describes them by their latents.

    The descriptor of an image is the displacement of its latent from the
    linear projection: what the denoising encoder takes for a defect. The plain
    DCGAN has no encoder; there the descriptor is the latent.

    Args:
        gan: A trained `DCGAN`.
        inverter: Its `LatentInverter`.
    """

    def __init__(self, gan: DCGAN, inverter: LatentInverter):
        self.gan = gan
        self.inverter = inverter

    def invert(self, images: tf.Tensor) -> InvertedImages:
        """Inverts images; each row depends on its own image alone.

        Args:
            images: float32 in [-1, 1] at the size that the GAN models,
                (batch, size, size, channels).

        Returns:
            inverted: `InvertedImages` without a view of the field.
        """
        if self.gan.encoder is None:
            start = self.gan.encode(images)
            latents, reconstructions, *_ = self.inverter.invert(images, start)
            return InvertedImages(latents, latents, reconstructions)
        # The encoder's correction by itself, and not as the difference of two
        # longer vectors, so that rounding stays small where it is short.
        correction = self.gan.correct(images)
        start = self.gan.project(images) + correction
        latents, reconstructions, *_ = self.inverter.invert(images, start)
        displacements = start - latents - correction
        return InvertedImages(displacements, latents, reconstructions)

    def descriptors_of_generated(
        self, num_latents: int, *, seed: tf.Tensor
    ) -> tf.Tensor:
        """Descriptors of generated images.

        Args:
            num_latents: How many latents are drawn from the prior.
            seed: Integers of shape (2,).

        Returns:
            descriptors: float32 of shape (num_latents, dim).
        """
        drawn = self.gan.sample_latents(num_latents, seed=seed)
        return self.invert(self.gan.generate(drawn)).descriptors
