"""Energies of the latents of a texture's tiles: its second-order statistics."""

from __future__ import annotations

from itertools import pairwise

import tensorflow as tf


def log_energies(latents: tf.Tensor) -> tf.Tensor:
    """Logarithms of the mean squared latents, by octaves of components.

    The linear head orders components by variance, so octaves are scales. The
    mean square of a tile's latents is their second-order statistic: that of a
    texture whose detail has grown or faded moves, while its mean stays.

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
