"""The GAN: two players, and an encoder that learns beside them."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ganad_tf import replicas
from ganad_tf.gan import moving_average
from ganad_tf.gan import optimizers
from ganad_tf.gan import step_losses
from ganad_tf.gan import training_step
from ganad_tf.gan.frozen_generator import frozen_generator
from ganad_tf.recipes import GAN_ARGUMENTS
from ganad_tf.recipes import JOINT
from ganad_tf.recipes import PAPER

_NETWORKS = (
    "generator",
    "discriminator",
    "encoder",
    "linear_head",
    "latent_prior",
)


@keras.saving.register_keras_serializable("ganad_tf")
class DCGAN(keras.Model):
    """A DCGAN on qualified images, with a denoising encoder where given one.

    Without `encoder` and `linear_head` this is the plain DCGAN of Radford et
    al. (2016) that Lai et al. (2018) use. With both, images are
    `linear_head(z) + generator(z)`, latents are `linear_head.project(x) +
    encoder(x)`, and generator and encoder also learn to reconstruct the clean
    image when the encoder sees it with synthetic defects: that keeps real
    defects out of the reconstructions. The encoder learns it by the latents:
    their target is `linear_head.project` of the clean image, which is free of
    the grain that would hide a small defect in the pixels.

    `generate` and `encode` use moving averages of generator and encoder.

    Args:
        generator: Model from latents (batch, latent_dim) to images.
        discriminator: Model from images to logits (batch, 1).
        encoder: Model from images to latents; None for the plain DCGAN.
        linear_head: Fitted `LinearHead`; given together with `encoder`.
        latent_prior: Fitted `LatentPrior`; None for N(0, I).
        num_steps: Steps of the whole training run; schedules depend on it.
        seed: Of latents, synthetic defects and noise. Every draw is a
            function of the seed and the step, so a resumed run equals an
            uninterrupted one.
        ema_momentum: Of the moving averages.
        label_smoothing: Taken off the discriminator's target of real images.
        adversarial_weight: Of the generator's non-saturating loss.
        reconstruction_weight: Of the Laplacian-pyramid L1.
        denoising_weight: Of the distance between the latents of an image with
            synthetic defects and the linear projection of the clean image.
        latent_weight: Of the squared error of latents of generated images.
        prior_weight: Of `losses.latent_prior_loss`.
        latent_noise: Deviation of the noise on latents before the generator.
        denoising: Whether the encoder sees synthetic defects.

    Raises:
        ValueError: If only one of `encoder` and `linear_head` is given.

    Example:
    >>> from ganad_tf.gan import networks
    >>> size = dict(image_size=32, channels=1, width=4)
    >>> dcgan = DCGAN(
    ...     networks.build_generator(latent_dim=8, activation="tanh", **size),
    ...     networks.build_discriminator(**size),
    ...     num_steps=10,
    ... )
    >>> dcgan.compile()
    >>> dcgan.generate(tf.zeros([2, 8])).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        encoder: keras.Model | None = None,
        linear_head: keras.layers.Layer | None = None,
        latent_prior: keras.layers.Layer | None = None,
        *,
        num_steps: int,
        seed: int = 0,
        ema_momentum: float = JOINT.ema_momentum,
        label_smoothing: float = JOINT.label_smoothing,
        adversarial_weight: float = JOINT.adversarial_weight,
        reconstruction_weight: float = JOINT.reconstruction_weight,
        denoising_weight: float = JOINT.denoising_weight,
        latent_weight: float = JOINT.latent_weight,
        prior_weight: float = JOINT.prior_weight,
        latent_noise: float = JOINT.latent_noise,
        denoising: bool = JOINT.denoising,
        **kwargs,
    ):
        super().__init__(**kwargs)
        _check_pair(encoder, linear_head)
        self.generator = generator
        self.discriminator = discriminator
        self.encoder = encoder
        self.linear_head = linear_head
        self.latent_prior = latent_prior
        self.num_steps = num_steps
        self.seed = seed
        self.ema_momentum = ema_momentum
        self.label_smoothing = label_smoothing
        self.adversarial_weight = adversarial_weight
        self.reconstruction_weight = reconstruction_weight
        self.denoising_weight = denoising_weight
        self.latent_weight = latent_weight
        self.prior_weight = prior_weight
        self.latent_noise = latent_noise
        self.denoising = denoising
        self.latent_dim = generator.input_shape[-1]
        self.ema_generator = moving_average.copy_of(generator)
        self.ema_encoder = (
            None if encoder is None else moving_average.copy_of(encoder)
        )
        self._frozen = frozen_generator(self.ema_generator)
        self.step = self._add_step_counter()
        self._trackers = {
            name: keras.metrics.Mean(name) for name in step_losses.NAMES
        }
        # All variables exist: a checkpoint can be loaded before the first call.
        self.built = True

    def _add_step_counter(self) -> keras.Variable:
        return self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            name="step",
            trainable=False,
        )

    # Overridden, or Keras would log a `loss` of its own that is always 0.
    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._trackers.values())

    def compile(
        self,
        learning_rate: float = PAPER.learning_rate,
        discriminator_learning_rate: float = PAPER.discriminator_learning_rate,
        **kwargs,
    ) -> None:
        """Builds the two Adam optimizers and their state.

        Args:
            learning_rate: Of generator and encoder, before the decay.
            discriminator_learning_rate: Of the discriminator, before it.
            **kwargs: `run_eagerly`, `jit_compile` and so on of Keras; XLA is
                off by default.
        """
        # XLA needs static shapes; how many images get each kind of synthetic
        # defect is random.
        kwargs = {"jit_compile": False, **kwargs}
        # None, or Keras would add an optimizer that trains nothing.
        super().compile(optimizer=None, **kwargs)
        self._compile_arguments = {
            "learning_rate": learning_rate,
            "discriminator_learning_rate": discriminator_learning_rate,
        }
        self.generator_optimizer = optimizers.build_adam(
            learning_rate,
            0.99,
            num_steps=self.num_steps,
            variables=self.generator_variables,
        )
        self.discriminator_optimizer = optimizers.build_adam(
            discriminator_learning_rate,
            0.999,
            num_steps=self.num_steps,
            variables=self.discriminator.trainable_variables,
        )

    def get_compile_config(self) -> dict[str, Any]:
        return dict(self._compile_arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**config)

    @property
    def generator_variables(self) -> list:
        """Variables of generator and encoder, which share an optimizer."""
        networks = [self.generator]
        networks += [] if self.encoder is None else [self.encoder]
        return [v for net in networks for v in net.trainable_variables]

    def sample_latents(self, num_latents: int, *, seed: tf.Tensor) -> tf.Tensor:
        """Draws latents of the prior.

        Args:
            num_latents: How many.
            seed: Integers of shape (2,); the same seed draws the same.

        Returns:
            latents: float32 of shape (num_latents, latent_dim).
        """
        if self.latent_prior is not None:
            return self.latent_prior.sample(num_latents, seed=seed)
        return tf.random.stateless_normal(
            [num_latents, self.latent_dim], seed, alg="philox"
        )

    def generate(self, latents: tf.Tensor) -> tf.Tensor:
        """Images of latents by the averaged generator, frozen.

        Args:
            latents: float32 of shape (batch, latent_dim).

        Returns:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].
        """
        return self._with_head(self._frozen(latents), latents)

    def project(self, images: tf.Tensor) -> tf.Tensor | None:
        """Latents by the linear head alone; None for the plain DCGAN.

        From images (batch, height, width, channels) in [-1, 1] to latents
        (batch, latent_dim), both float32.
        """
        return (
            None if self.encoder is None else self.linear_head.project(images)
        )

    def correct(self, images: tf.Tensor) -> tf.Tensor | None:
        """What the averaged encoder adds to `project`, of the same shape.

        None for the plain DCGAN.
        """
        return (
            None
            if self.encoder is None
            else self.ema_encoder(images, training=False)
        )

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Latents of images: the start of their inversion.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            latents: float32 of shape (batch, latent_dim): the averaged
                encoder's, or zeros, the prior's mean, for the plain DCGAN.
        """
        if self.encoder is None:
            return tf.zeros([tf.shape(images)[0], self.latent_dim])
        return self.project(images) + self.correct(images)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return self.generate(self.encode(images))

    def generate_with(
        self, generator: keras.Model, latents: tf.Tensor, *, training: bool
    ) -> tf.Tensor:
        """`generate` by another generator, such as the one in training."""
        return self._with_head(generator(latents, training=training), latents)

    def encode_with(
        self, encoder: keras.Model, images: tf.Tensor, *, training: bool
    ) -> tf.Tensor:
        """`encode` by another encoder, such as the one in training."""
        offset = encoder(images, training=training)
        return self.linear_head.project(images) + offset

    def _with_head(self, images, latents) -> tf.Tensor:
        if self.linear_head is None:
            return images
        # The sum may leave the range of images; the clipping stops the gradient
        # of a pixel that is out of it.
        return tf.clip_by_value(images + self.linear_head(latents), -1.0, 1.0)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of both players on a batch of qualified images."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        values = training_step.take_step(self, images)
        self._update_averages()
        self.step.assign_add(1)
        return self._track(values)

    def _update_averages(self) -> None:
        pairs = [(self.ema_generator, self.generator)]
        if self.encoder is not None:
            pairs.append((self.ema_encoder, self.encoder))
        for average, network in pairs:
            moving_average.update(average, network, momentum=self.ema_momentum)

    def _track(self, values: dict[str, tf.Tensor]) -> dict[str, Any]:
        for name, value in values.items():
            self._trackers[name].update_state(value)
        return replicas.as_logs(
            {name: self._trackers[name].result() for name in values}
        )

    def get_config(self) -> dict[str, Any]:
        networks = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in _NETWORKS
            if getattr(self, name) is not None
        }
        settings = {
            name: getattr(self, name)
            for name in ("num_steps", "seed", *GAN_ARGUMENTS)
        }
        return {**super().get_config(), **networks, **settings}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DCGAN:
        networks = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in _NETWORKS
            if name in config
        }
        return cls(**{**config, **networks})


def _check_pair(encoder, linear_head) -> None:
    if (encoder is None) != (linear_head is None):
        raise ValueError(
            "Arguments `encoder` and `linear_head` go together. Expected "
            f"both or neither. Received: encoder={encoder}, "
            f"linear_head={linear_head}"
        )
