"""The linear head: eigen-images of the qualified images, frozen.

What principal components can model, they model exactly and at once; the
adversarial networks only add what they cannot.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from ganad_tf.gan.principal_components import principal_components


@keras.saving.register_keras_serializable("ganad_tf")
class LinearHead(keras.layers.Layer):
    """The part of the images that principal components explain, frozen.

    `call` maps latents to images, `mean + latents @ components.T`, and
    `project` maps images to the latents of their nearest such image,
    `(image - mean) @ components / variances`. The components, a column each,
    carry the standard deviation of their direction, so that the latents of
    the images they were fitted to have unit variance, like the GAN's prior.
    In columns, the product of `call` runs 1.5 times as fast on a CPU.

    Args:
        image_size: Side of the images in pixels.
        channels: 1 for gray, 3 for RGB.
        latent_dim: How many components.

    Call arguments:
        latents: float32 of shape (batch, latent_dim).

    Returns:
        float32 images of shape (batch, image_size, image_size, channels), not
        clipped to [-1, 1].

    Example:
    >>> images = np.random.default_rng(0).normal(size=(40, 32, 32, 1))
    >>> head = LinearHead(image_size=32, channels=1, latent_dim=8)
    >>> latents = head.fit([images], seed=0).project(images.astype("float32"))
    >>> bool(abs(np.var(latents) - 1) < 0.05)
    True
    """

    def __init__(
        self, *, image_size: int, channels: int, latent_dim: int, **kwargs
    ):
        super().__init__(**{"trainable": False, "dtype": "float32", **kwargs})
        self.image_size = image_size
        self.channels = channels
        self.latent_dim = latent_dim
        self.components = self.add_weight(
            shape=[image_size**2 * channels, latent_dim],
            initializer="zeros",
            name="components",
        )
        self.mean = self.add_weight(
            shape=[image_size**2 * channels], initializer="zeros", name="mean"
        )
        self.variances = self.add_weight(
            shape=[latent_dim], initializer="ones", name="variances"
        )
        self.built = True

    def fit(self, batches: Iterable[np.ndarray], *, seed: int) -> LinearHead:
        """Fits the principal components of qualified training images.

        Args:
            batches: Floats of shape (any, image_size, image_size, channels) in
                [-1, 1], iterated over several times. With fewer images than
                components, the components that they do not determine stay
                zero.
            seed: Of the randomised decomposition.

        Returns:
            The head itself.
        """
        found = principal_components(_Rows(batches), self.latent_dim, seed=seed)
        rank = len(found.variances)
        # Components that the images do not determine are zero: they draw
        # nothing, and the variance of 1 only avoids a division by zero.
        variances = np.ones(self.latent_dim)
        variances[:rank] = np.maximum(found.variances, 1e-8)
        components = np.zeros(self.components.shape)
        components[:, :rank] = found.directions * np.sqrt(variances[:rank])
        self.components.assign(components)
        self.mean.assign(found.mean)
        self.variances.assign(variances)
        return self

    def call(self, latents):
        pixels = self.mean + tf.matmul(
            latents, self.components, transpose_b=True
        )
        return keras.ops.reshape(
            pixels, [-1, self.image_size, self.image_size, self.channels]
        )

    def project(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the latents of the nearest images that the head can draw.

        From images (batch, image_size, image_size, channels) to latents
        (batch, latent_dim), both float32.
        """
        shape = [-1, self.image_size**2 * self.channels]
        pixels = keras.ops.reshape(images, shape) - self.mean
        return tf.matmul(pixels, self.components) / self.variances

    def get_config(self):
        config = {
            "image_size": self.image_size,
            "channels": self.channels,
            "latent_dim": self.latent_dim,
        }
        return {**super().get_config(), **config}


class _Rows:
    """Batches of images, each image as one row."""

    def __init__(self, batches: Iterable[np.ndarray]):
        self._batches = batches

    def __iter__(self):
        return (batch.reshape(len(batch), -1) for batch in self._batches)
