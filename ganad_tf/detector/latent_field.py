"""Latent fields: the latents of an image or of its tiles, and what they say."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import tensorflow as tf

from ganad_tf.data.tiles import TileGrid
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.inversion import LatentInverter


class LatentField(NamedTuple):
    """The inversion of a batch of images, one tile each or many."""

    descriptors: tf.Tensor  # (batch, num_tiles, dim), go to the reference
    latents: tf.Tensor  # (batch, num_tiles, latent_dim)
    reconstructions: tf.Tensor  # (batch, height, width, channels), stitched


class FieldInverter:
    """Inverts images, whole or by tiles, and describes them by their latents.

    The descriptors, which are compared with the reference, are

    - of aligned parts, the displacement of the latent from the linear
      projection of the image: what the denoising encoder took for a defect;
    - of whole textures, the latent and that displacement;
    - of tiles, the logarithmic energies of the latent by octaves of
      components, relative to the image's own medians;
    - of the plain DCGAN, the latent.

    Args:
        gan: A trained `DCGAN`.
        inverter: Its `LatentInverter`.
        grid: How the networks' images cover the images.
        aligned: Whether every image shows the same part in the same place.
    """

    def __init__(
        self,
        gan: DCGAN,
        inverter: LatentInverter,
        *,
        grid: TileGrid,
        aligned: bool,
    ):
        self.gan = gan
        self.inverter = inverter
        self.grid = grid
        self.aligned = aligned

    def invert(self, images: tf.Tensor) -> LatentField:
        """Inverts images; each row depends on its own image alone.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            field: `LatentField`.
        """
        if not self.grid.is_whole:
            return self._invert_tiles(images)
        latents, displacements, reconstructions = self._invert_each(images)
        descriptors = self._describe_images(latents, displacements)
        return LatentField(
            descriptors[:, None], latents[:, None], reconstructions
        )

    def descriptors_of_generated(
        self, num_latents: int, *, seed: tf.Tensor
    ) -> tf.Tensor:
        """Descriptors of generated images, or of one generated image's tiles.

        Args:
            num_latents: How many latents are drawn from the prior.
            seed: Integers of shape (2,).

        Returns:
            descriptors: float32 of shape (num_latents, dim).
        """
        drawn = self.gan.sample_latents(num_latents, seed=seed)
        latents, displacements, _ = self._invert_each(self.gan.generate(drawn))
        if self.grid.is_whole:
            return self._describe_images(latents, displacements)
        return relative_energies(latents[None])[0]

    def _invert_tiles(self, images: tf.Tensor) -> LatentField:
        """The field of tiles, inverted one row of tiles at a time.

        So the memory of the networks does not grow with the images' height.
        """
        tiles = self.grid.split(images)
        num_rows, num_columns, *tile = tiles.shape[1:]
        dim = self.gan.latent_dim
        # (num_rows, batch * num_columns, tile_size, tile_size, channels)
        rows = tf.transpose(tiles, [1, 0, 2, 3, 4, 5])
        rows = tf.reshape(rows, [num_rows, -1, *tile])

        def invert_row(row):
            latents, _, reconstructions = self._invert_each(row)
            return latents, reconstructions

        latents, reconstructions = tf.map_fn(
            invert_row,
            rows,
            fn_output_signature=(
                tf.TensorSpec([None, dim]),
                tf.TensorSpec([None, *tile]),
            ),
            parallel_iterations=1,
        )
        latents = _images_first(latents, num_columns)
        latents = tf.reshape(latents, [-1, num_rows * num_columns, dim])
        reconstructions = _images_first(reconstructions, num_columns)
        return LatentField(
            relative_energies(latents),
            latents,
            self.grid.stitch(reconstructions),
        )

    def _invert_each(self, images: tf.Tensor):
        """Latents, their displacements from the projection, reconstructions."""
        if self.gan.encoder is None:
            start = self.gan.encode(images)
            latents, reconstructions, *_ = self.inverter.invert(images, start)
            return latents, latents, reconstructions
        # The encoder's correction by itself, and not as the difference of two
        # longer vectors, so that rounding stays small where it is short.
        correction = self.gan.correct(images)
        start = self.gan.project(images) + correction
        latents, reconstructions, *_ = self.inverter.invert(images, start)
        return latents, start - latents - correction, reconstructions

    def _describe_images(self, latents, displacements) -> tf.Tensor:
        if self.aligned or self.gan.encoder is None:
            return displacements
        return tf.concat([latents, displacements], axis=-1)


def _images_first(values: tf.Tensor, num_columns: int) -> tf.Tensor:
    """From (rows, batch * columns, ...) to (batch, rows, columns, ...)."""
    num_rows, _, *shape = values.shape
    values = tf.reshape(values, [num_rows, -1, num_columns, *shape])
    order = [1, 0, 2, *range(3, 3 + len(shape))]
    return tf.transpose(values, order)


def log_energies(latents: tf.Tensor) -> tf.Tensor:
    """Logarithms of the mean squared latents, by octaves of components.

    The linear head orders components by variance, so octaves are scales. The
    mean square of a tile's latents is their second-order statistic: it moves
    when the detail of a texture grows or fades, while the mean stays.

    Args:
        latents: Floats of shape (..., latent_dim).

    Returns:
        energies: float32 of shape (..., num_octaves); octaves are the first
            16 components, the next 16, 32, 64 and so on.

    Example:
    >>> log_energies(tf.ones([2, 64])).shape
    TensorShape([2, 3])
    """
    edges = [0]
    while edges[-1] < latents.shape[-1]:
        edges.append(min(2 * edges[-1] or 16, latents.shape[-1]))
    means = [
        tf.reduce_mean(latents[..., low:high] ** 2, axis=-1)
        for low, high in pairwise(edges)
    ]
    return tf.math.log(tf.stack(means, axis=-1) + 1e-6)


def relative_energies(latents: tf.Tensor) -> tf.Tensor:
    """Log energies of tiles, relative to the medians of their image.

    Args:
        latents: Floats of shape (batch, num_tiles, latent_dim).

    Returns:
        energies: float32 of shape (batch, num_tiles, num_octaves).

    Example:
    >>> latents = tf.random.stateless_normal([1, 25, 16], seed=[0, 1])
    >>> relative_energies(latents).shape
    TensorShape([1, 25, 1])
    """
    energies = log_energies(latents)
    ordered = tf.sort(energies, axis=1)
    return energies - ordered[:, None, tf.shape(energies)[1] // 2]
