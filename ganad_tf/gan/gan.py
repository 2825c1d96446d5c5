"""The DCGAN: two players, and an encoder that learns beside them."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ganad_tf.gan import corruptions
from ganad_tf.gan import losses
from ganad_tf.gan import pyramid
from ganad_tf.gan.frozen_generator import frozen_generator

_NETWORKS = (
    "generator",
    "discriminator",
    "encoder",
    "linear_head",
    "latent_prior",
)
LOSS_NAMES = (
    "generator_loss",
    "discriminator_loss",
    "reconstruction_loss",
    "denoising_loss",
    "latent_loss",
    "prior_loss",
    "real_logits",
    "generated_logits",
    "discriminator_accuracy",
    "diversity",
    "generator_gradient_norm",
    "discriminator_gradient_norm",
)


def decayed_learning_rate(learning_rate: float, num_steps: int):
    """Constant for 60 % of the steps, then a cosine down to 2 %."""
    return keras.optimizers.schedules.CosineDecay(
        learning_rate,
        decay_steps=max(int(0.4 * num_steps), 1),
        alpha=0.02,
        warmup_target=learning_rate,
        warmup_steps=int(0.6 * num_steps),
    )


def diversity(images: tf.Tensor, real_images: tf.Tensor) -> tf.Tensor:
    """Spread of images over their batch, as a share of the real images'.

    Args:
        images: float32 of shape (batch, height, width, channels).
        real_images: float32 of the same trailing shape.

    Returns:
        ratio: Scalar; root of the mean variance a pixel over the batch,
            divided by that of the real images. Near 0: the generator has
            collapsed to one image.

    Example:
    >>> images = tf.random.stateless_normal([8, 16, 16, 1], seed=[0, 1])
    >>> round(float(diversity(0.5 * images, images)), 3)
    0.5
    """

    def spread(batch):
        return tf.sqrt(tf.reduce_mean(tf.math.reduce_variance(batch, axis=0)))

    return spread(images) / (spread(real_images) + 1e-6)


@keras.saving.register_keras_serializable("ganad_tf")
class DCGAN(keras.Model):
    """A DCGAN on qualified images, with a denoising encoder where given one.

    Without `encoder` and `linear_head` this is the plain DCGAN of Radford et
    al. (2016) that Lai et al. (2018) use. With both, images are
    `linear_head(z) + generator(z)`, latents are `linear_head.project(x) +
    encoder(x)`, and generator and encoder also learn to give back the clean
    image when the encoder sees one with synthetic defects on it: that is what
    keeps real defects out of the reconstructions. The encoder learns it by
    the latents: they are to be those of the clean image, `linear_head.project`
    of it, which has none of the grain that hides this in the pixels.

    Moving averages of generator and encoder, made at each step, are what
    `generate` and `encode` use.

    Args:
        generator: Model from latents (batch, latent_dim) to images.
        discriminator: Model from images to logits (batch, 1).
        encoder: Model from images to latents; None for the plain DCGAN.
        linear_head: Fitted `LinearHead`; given together with `encoder`.
        latent_prior: Fitted `LatentPrior`; None for N(0, I).
        num_steps: Steps of the whole training; schedules depend on it.
        seed: Of latents, synthetic defects and noise. Every draw is a
            function of the seed and the step, so a resumed training repeats
            an uninterrupted one.
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
        ema_momentum: float = 0.995,
        label_smoothing: float = 0.1,
        adversarial_weight: float = 0.15,
        reconstruction_weight: float = 40.0,
        denoising_weight: float = 10.0,
        latent_weight: float = 0.5,
        prior_weight: float = 0.2,
        latent_noise: float = 0.02,
        denoising: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if (encoder is None) != (linear_head is None):
            raise ValueError(
                "Arguments `encoder` and `linear_head` go together. Expected "
                f"both or neither. Received: encoder={encoder}, "
                f"linear_head={linear_head}"
            )
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
        self.ema_generator = _copy_of(generator)
        self.ema_encoder = None if encoder is None else _copy_of(encoder)
        self._frozen = frozen_generator(self.ema_generator)
        self.step = self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            name="step",
            trainable=False,
        )
        self._trackers = {name: keras.metrics.Mean(name) for name in LOSS_NAMES}
        self.built = True

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._trackers.values())

    def compile(
        self,
        learning_rate: float = 3e-4,
        discriminator_learning_rate: float = 1e-4,
        **kwargs,
    ) -> None:
        """Makes the two Adam optimizers and builds their state.

        Args:
            learning_rate: Of generator and encoder, before the decay.
            discriminator_learning_rate: Of the discriminator, before it.
            **kwargs: `run_eagerly`, `jit_compile` and so on of Keras; XLA is
                off unless asked for.
        """
        kwargs = {"jit_compile": False, **kwargs}
        super().compile(optimizer=None, **kwargs)
        self._compile_arguments = {
            "learning_rate": learning_rate,
            "discriminator_learning_rate": discriminator_learning_rate,
        }
        self.generator_optimizer = keras.optimizers.Adam(
            decayed_learning_rate(learning_rate, self.num_steps), 0.5, 0.99
        )
        self.discriminator_optimizer = keras.optimizers.Adam(
            decayed_learning_rate(discriminator_learning_rate, self.num_steps),
            0.5,
            0.999,
        )
        self.generator_optimizer.build(self._generator_variables)
        self.discriminator_optimizer.build(
            self.discriminator.trainable_variables
        )

    def get_compile_config(self) -> dict[str, Any]:
        return dict(self._compile_arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**config)

    @property
    def _generator_variables(self) -> list:
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
        """Latents by the linear head alone; None for the plain DCGAN."""
        return (
            None if self.encoder is None else self.linear_head.project(images)
        )

    def correct(self, images: tf.Tensor) -> tf.Tensor | None:
        """What the encoder adds to the projection; None for the plain DCGAN."""
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

    def _images(self, latents, generator, *, training: bool) -> tf.Tensor:
        return self._with_head(generator(latents, training=training), latents)

    def _with_head(self, images, latents) -> tf.Tensor:
        if self.linear_head is None:
            return images
        return tf.clip_by_value(images + self.linear_head(latents), -1.0, 1.0)

    def _latents(self, images, encoder, *, training: bool) -> tf.Tensor:
        offset = encoder(images, training=training)
        return self.linear_head.project(images) + offset

    def _training_images(self, latents) -> tf.Tensor:
        """Batch statistics are frozen for the last third of the steps."""
        moving = self.step.value < int(0.65 * self.num_steps)
        return tf.cond(
            moving,
            lambda: self._images(latents, self.generator, training=True),
            lambda: self._images(latents, self.generator, training=False),
        )

    def train_step(self, data: Any) -> dict[str, Any]:
        """One simultaneous step of both players on qualified images."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        seed = tf.stack([self.seed, self.step.value])
        seeds = tf.random.experimental.stateless_split(seed, 3)
        latents = self.sample_latents(tf.shape(images)[0], seed=seeds[0])
        with tf.GradientTape(persistent=True) as tape:
            if self.encoder is None:
                generated = self._training_images(latents)
                values = {}
            else:
                generated, values = self._joint_step(images, latents, seeds)
            values |= self._player_losses(images, generated)
            generator_total = self._generator_total(values)
            discriminator_total = values["discriminator_loss"]
        values["generator_gradient_norm"] = self._apply(
            tape,
            generator_total,
            self._generator_variables,
            self.generator_optimizer,
        )
        values["discriminator_gradient_norm"] = self._apply(
            tape,
            discriminator_total,
            self.discriminator.trainable_variables,
            self.discriminator_optimizer,
        )
        self._update_averages()
        self.step.assign_add(1)
        values["diversity"] = diversity(
            generated[: tf.shape(images)[0]], images
        )
        return self._track(values)

    def _joint_step(self, images, latents, seeds):
        """Generated and reconstructed images, and the encoder's losses."""
        seen = images
        if self.denoising:
            seen = corruptions.corrupt(images, seed=seeds[1])
        encoded = self._latents(seen, self.encoder, training=True)
        noise = tf.random.stateless_normal(
            tf.shape(encoded), seeds[2], alg="philox"
        )
        both = tf.concat([latents, encoded + self.latent_noise * noise], 0)
        generated = self._training_images(both)
        samples, reconstructions = tf.split(generated, 2)
        returned = self._latents(
            tf.stop_gradient(samples), self.encoder, training=True
        )
        reconstruction_losses = pyramid.laplacian_pyramid_l1(
            images, reconstructions
        )
        return generated, {
            "reconstruction_loss": tf.reduce_mean(reconstruction_losses),
            "denoising_loss": losses.latent_distance(
                encoded, self.linear_head.project(images)
            ),
            "latent_loss": tf.reduce_mean((returned - latents) ** 2),
            "prior_loss": losses.latent_prior_loss(encoded),
        }

    def _player_losses(self, images, generated) -> dict[str, tf.Tensor]:
        real_logits = self.discriminator(images, training=True)
        generated_logits = self.discriminator(generated, training=True)
        correct = tf.concat([real_logits > 0, generated_logits < 0], 0)
        return {
            "generator_loss": losses.generator_loss(generated_logits),
            "discriminator_loss": losses.discriminator_loss(
                real_logits,
                generated_logits,
                label_smoothing=self.label_smoothing,
            ),
            "real_logits": tf.reduce_mean(real_logits),
            "generated_logits": tf.reduce_mean(generated_logits),
            "discriminator_accuracy": tf.reduce_mean(
                tf.cast(correct, tf.float32)
            ),
        }

    def _generator_total(self, values: dict[str, tf.Tensor]) -> tf.Tensor:
        if self.encoder is None:
            return values["generator_loss"]
        return (
            self.adversarial_weight * values["generator_loss"]
            + self.reconstruction_weight * values["reconstruction_loss"]
            + self.denoising_weight * values["denoising_loss"]
            + self.latent_weight * values["latent_loss"]
            + self.prior_weight * values["prior_loss"]
        )

    def _apply(self, tape, loss, variables, optimizer) -> tf.Tensor:
        """Takes an optimizer's step; returns the norm of the gradients."""
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return tf.linalg.global_norm(gradients)

    def _update_averages(self) -> None:
        pairs = [(self.ema_generator, self.generator)]
        if self.encoder is not None:
            pairs.append((self.ema_encoder, self.encoder))
        for average, network in pairs:
            for old, new in zip(average.weights, network.weights, strict=True):
                old.assign(new + self.ema_momentum * (old - new))

    def _track(self, values: dict[str, tf.Tensor]) -> dict[str, Any]:
        for name, value in values.items():
            self._trackers[name].update_state(value)
        return {name: self._trackers[name].result() for name in values}

    def get_config(self) -> dict[str, Any]:
        networks = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in _NETWORKS
            if getattr(self, name) is not None
        }
        settings = {
            name: getattr(self, name)
            for name in (
                "num_steps",
                "seed",
                "ema_momentum",
                "label_smoothing",
                "adversarial_weight",
                "reconstruction_weight",
                "denoising_weight",
                "latent_weight",
                "prior_weight",
                "latent_noise",
                "denoising",
            )
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


def _copy_of(network: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy
