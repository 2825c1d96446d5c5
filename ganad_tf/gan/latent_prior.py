"""The latent prior: where latents are drawn from to generate images."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from sklearn.mixture import GaussianMixture

MAX_COMPONENTS = 40
MIN_LATENTS_PER_COMPONENT = 8


@keras.saving.register_keras_serializable("ganad_tf")
class LatentPrior(keras.layers.Layer):
    """A mixture of Gaussians of the qualified images' latents, frozen.

    Parts come in kinds (cells with two or three busbars). One Gaussian over
    the latents of them all would draw parts between two kinds, which do not
    exist; a mixture, fitted to the latents once they are known, does not
    (Ghosh et al., "From Variational to Deterministic Autoencoders", ICLR 2020,
    section 4). Unfitted, it is the one standard normal.

    Args:
        latent_dim: Length of a latent.

    Example:
    >>> latents = np.random.default_rng(0).normal(size=(64, 3)) + 5.0
    >>> prior = LatentPrior(latent_dim=3).fit(latents, seed=0)
    >>> samples = prior.sample(100, seed=tf.constant([0, 1]))
    >>> samples.shape, bool(tf.reduce_mean(samples) > 4)
    (TensorShape([100, 3]), True)
    """

    def __init__(self, *, latent_dim: int, **kwargs):
        super().__init__(**{"trainable": False, "dtype": "float32", **kwargs})
        self.latent_dim = latent_dim
        # Of a fixed shape, so that a checkpoint can be loaded without knowing
        # how many components were fitted; unused ones have a share of 0.
        shape = [MAX_COMPONENTS, latent_dim]
        self.means = self.add_weight(
            shape=shape, initializer="zeros", name="means"
        )
        self.deviations = self.add_weight(
            shape=shape, initializer="ones", name="deviations"
        )
        self.shares = self.add_weight(
            shape=[MAX_COMPONENTS], initializer="ones", name="shares"
        )
        self.built = True

    def fit(self, latents: np.ndarray, *, seed: int) -> LatentPrior:
        """Fits the mixture by expectation maximisation.

        Args:
            latents: Floats of shape (n, latent_dim), n at least 2.
            seed: Of its start.

        Returns:
            The prior itself.
        """
        count = len(latents) // MIN_LATENTS_PER_COMPONENT
        count = min(max(count, 1), MAX_COMPONENTS)
        # Diagonal: a full covariance of each component would have more entries
        # than the images can determine.
        mixture = GaussianMixture(
            count, covariance_type="diag", reg_covar=1e-3, random_state=seed
        ).fit(latents)
        unused = [(0, MAX_COMPONENTS - count), (0, 0)]
        self.means.assign(np.pad(mixture.means_, unused))
        self.deviations.assign(np.pad(np.sqrt(mixture.covariances_), unused))
        self.shares.assign(np.pad(mixture.weights_, unused[0]))
        return self

    def sample(self, num_latents: int | tf.Tensor, *, seed: tf.Tensor):
        """Draws latents.

        Args:
            num_latents: How many.
            seed: Integers of shape (2,); the same seed draws the same.

        Returns:
            latents: float32 of shape (num_latents, latent_dim).
        """
        seeds = tf.random.experimental.stateless_split(seed, 2)
        # A component by its share: where a uniform number lies among the
        # cumulative shares, which by rounding may end just below 1.
        steps = tf.cumsum(self.shares.value / tf.reduce_sum(self.shares.value))
        drawn = tf.random.stateless_uniform(
            [num_latents], seeds[0], alg="philox"
        )
        kinds = tf.searchsorted(steps, drawn, side="right")
        kinds = tf.minimum(kinds, MAX_COMPONENTS - 1)
        noise = tf.random.stateless_normal(
            [num_latents, self.latent_dim], seeds[1], alg="philox"
        )
        means = tf.gather(self.means.value, kinds)
        return means + noise * tf.gather(self.deviations.value, kinds)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim}
