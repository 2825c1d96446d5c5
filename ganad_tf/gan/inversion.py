"""Inversion: the latents whose images are nearest to given images."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganad_tf.errors import UserError
from ganad_tf.gan import pyramid

OPTIMIZERS = ("sgd", "momentum", "adam")
SCHEDULES = ("constant", "cosine")
# Arguments of `LatentInverter` that a model folder keeps.
_CONFIG = (
    "num_steps",
    "optimizer",
    "learning_rate",
    "schedule",
    "prior_weight",
    "num_restarts",
    "seed",
)
# Differences of 1.3 of 255 gray levels. Where |d| has a corner, the rounding of
# another batch size would turn the descent and move a score by up to 1e-3.
_SMOOTHING = 0.01


class InversionResult(NamedTuple):
    """Where the inversion of each image ended; images are independent."""

    latents: tf.Tensor  # (batch, latent_dim), of the least loss on the way
    reconstructions: tf.Tensor  # (batch, height, width, channels), [-1, 1]
    losses: tf.Tensor  # (batch,) Laplacian-pyramid L1 + prior, at `latents`
    initial_losses: tf.Tensor  # (batch,) the same at the start
    gradient_norms: tf.Tensor  # (batch,) of the last step taken, 0 if none


class InversionCurves(NamedTuple):
    """The course of one descent, step by step; row 0 is the start."""

    losses: np.ndarray  # (num_steps + 1, batch) Laplacian-pyramid L1 + prior
    latent_norms: np.ndarray  # (num_steps + 1, batch) Euclidean


class LatentInverter:
    """Finds latents by gradient descent through a frozen generator.

    Minimises, for each image by itself, the Laplacian-pyramid L1, smooth at 0,
    between the image and the generator's image of the latent (Lai et al. 2018,
    equation (5)), plus `prior_weight * mean(latent^2)`. All state travels
    through the loop as tensors and every start is a function of the image
    alone, so an image gets the same latent alone, in any batch and in any
    call. The latent of the least loss on the way is kept, so the loss never
    ends above its start.

    Args:
        generate: Function from float32 latents (batch, latent_dim) to
            float32 images in [-1, 1]; batch normalisation frozen.
        num_steps: Steps of descent; 0 returns the start.
        optimizer: "sgd" (the paper's), "momentum" or "adam".
        learning_rate: Step size. The loss is a mean over pixels, so plain
            SGD wants 5 to 30; Adam 0.01 to 0.1.
        schedule: "constant", or "cosine" down to 0 over the steps.
        prior_weight: Of the mean squared latent; 0 for none.
        num_restarts: Further searches from starts that are moved by N(0, I)
            noise, the same for every image; the best is kept. Restarts put
            noise into every latent direction that an image does not
            determine, so leave them at 0 for latent scores.
        seed: Of the restarts' noise.

    Raises:
        UserError: If an argument is out of its range.

    Example:
    >>> basis = tf.eye(4, 16 * 16)
    >>> def generate(latents):
    ...     return tf.reshape(latents @ basis, [-1, 16, 16, 1])
    >>> inverter = LatentInverter(
    ...     generate, num_steps=200, optimizer="adam", learning_rate=0.05
    ... )
    >>> images = generate(tf.constant([[0.5, -0.5, 0.2, 0.0]]))
    >>> result = inverter.invert(images, tf.zeros([1, 4]))
    >>> bool(result.losses[0] < 0.1 * result.initial_losses[0])
    True
    """

    def __init__(
        self,
        generate: Callable[[tf.Tensor], tf.Tensor],
        *,
        num_steps: int = 10,
        optimizer: str = "adam",
        learning_rate: float = 0.02,
        schedule: str = "cosine",
        prior_weight: float = 0.0,
        num_restarts: int = 0,
        seed: int = 0,
    ):
        _check_choice("optimizer", optimizer, OPTIMIZERS)
        _check_choice("schedule", schedule, SCHEDULES)
        for name, value in (
            ("num_steps", num_steps),
            ("learning_rate", learning_rate),
            ("prior_weight", prior_weight),
            ("num_restarts", num_restarts),
        ):
            if value < 0:
                raise UserError(
                    f"Invalid value for argument `{name}`. Expected at least "
                    f"0. Received: {name}={value}"
                )
        self.generate = generate
        self.num_steps = num_steps
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.prior_weight = prior_weight
        self.num_restarts = num_restarts
        self.seed = seed
        traced = functools.partial(
            tf.function, reduce_retracing=True, autograph=False
        )
        self._compiled = traced(self._invert)
        self._compiled_step = traced(self._curve_step)

    def get_config(self) -> dict[str, int | float | str]:
        """Returns the arguments of this inverter, except `generate`."""
        return {name: getattr(self, name) for name in _CONFIG}

    def invert(
        self, images: tf.Tensor, initial_latents: tf.Tensor
    ) -> InversionResult:
        """Finds the latents of images.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].
            initial_latents: float32 of shape (batch, latent_dim).

        Returns:
            result: `InversionResult`, a row an image.
        """
        return self._compiled(images, initial_latents)

    def _invert(self, images, initial_latents) -> InversionResult:
        result = self._descend(images, initial_latents)
        for restart in range(self.num_restarts):
            # One row for all images: noise by row would make a result depend
            # on the place in the batch.
            noise = tf.random.stateless_normal(
                [1, initial_latents.shape[-1]],
                [self.seed, restart],
                alg="philox",
            )
            other = self._descend(images, initial_latents + noise)
            better = _better_of(result, other)
            result = better._replace(initial_losses=result.initial_losses)
        return result

    def curves(
        self, images: tf.Tensor, initial_latents: tf.Tensor
    ) -> InversionCurves:
        """Loss and latent norm at each step that `invert` takes.

        Takes the arguments of `invert`, returns `InversionCurves`. Restarts
        are left out.
        """
        latents = tf.convert_to_tensor(initial_latents)
        moments = (tf.zeros_like(latents), tf.zeros_like(latents))
        rows = []
        for step in tf.range(self.num_steps + 1):
            here, losses, latents, moments = self._compiled_step(
                images, step, latents, moments
            )
            rows.append((losses.numpy(), np.linalg.norm(here, axis=1)))
        return InversionCurves(*map(np.stack, zip(*rows, strict=True)))

    def _curve_step(self, images, step, latents, moments):
        """`latents`, their losses, and where a step leads from them."""
        losses, gradients = self._gradients(images, latents)[:2]
        return latents, losses, *self._update(step, latents, gradients, moments)

    def _gradients(self, images, latents):
        # The tape derives the sum of the losses. Each depends on its own latent
        # alone, so each row is the gradient of that image's loss.
        with tf.GradientTape() as tape:
            tape.watch(latents)
            losses, reconstructions = self._losses(images, latents)
        return losses, tape.gradient(losses, latents), reconstructions

    def _losses(self, images, latents):
        reconstructions = self.generate(latents)
        losses = pyramid.laplacian_pyramid_l1(
            images, reconstructions, smoothing=_SMOOTHING
        )
        if self.prior_weight:
            losses += self.prior_weight * tf.reduce_mean(latents**2, axis=1)
        return losses, reconstructions

    def _descend(self, images, latents) -> InversionResult:
        # An infinite loss, so that the start replaces it.
        none = tf.zeros_like(latents[:, 0])
        best = InversionResult(latents, images, none + np.inf, none, none)
        moments = (tf.zeros_like(latents), tf.zeros_like(latents))
        _, latents, _, best = tf.while_loop(
            lambda step, *_: step < self.num_steps,
            lambda *state: self._step(images, *state),
            (tf.constant(0), latents, moments, best),
            maximum_iterations=self.num_steps,
        )
        # Nobody has looked yet at where the last step has led.
        losses, reconstructions = self._losses(images, latents)
        initial_losses = best.initial_losses if self.num_steps else losses
        last = best._replace(
            latents=latents, reconstructions=reconstructions, losses=losses
        )
        return _better_of(best, last)._replace(initial_losses=initial_losses)

    def _step(self, images, step, latents, moments, best):
        """Looks at `latents`, keeps them where they are best, and steps on."""
        losses, gradients, reconstructions = self._gradients(images, latents)
        here = InversionResult(
            latents,
            reconstructions,
            losses,
            tf.where(step == 0, losses, best.initial_losses),
            tf.norm(gradients, axis=1),
        )
        best = _better_of(best, here)._replace(
            initial_losses=here.initial_losses,
            gradient_norms=here.gradient_norms,
        )
        latents, moments = self._update(step, latents, gradients, moments)
        return step + 1, latents, moments, best

    def _rate(self, step) -> tf.Tensor:
        if self.schedule == "constant":
            return tf.constant(self.learning_rate)
        progress = tf.cast(step, tf.float32) / self.num_steps
        return self.learning_rate * 0.5 * (1.0 + tf.cos(3.14159265 * progress))

    def _update(self, step, latents, gradients, moments):
        """One step of Adam (Kingma & Ba 2015), momentum 0.9 or plain SGD."""
        # Written out: a Keras optimizer keeps its moments in variables, which
        # would carry over from one image to the next.
        first, second = moments
        rate = self._rate(step)
        if self.optimizer == "sgd":
            return latents - rate * gradients, moments
        if self.optimizer == "momentum":
            first = 0.9 * first + gradients
            return latents - rate * first, (first, second)
        count = tf.cast(step + 1, tf.float32)
        first = 0.9 * first + 0.1 * gradients
        second = 0.999 * second + 0.001 * gradients**2
        unbiased = first / (1.0 - 0.9**count)
        scale = tf.sqrt(second / (1.0 - 0.999**count)) + 1e-8
        return latents - rate * unbiased / scale, (first, second)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(
            f"Invalid value for argument `{name}`. Expected one of {choices}. "
            f"Received: {name}={value!r}"
        )


def _better_of(one: InversionResult, other: InversionResult) -> InversionResult:
    """Row by row, the result of the lower loss."""
    better = other.losses < one.losses

    def choose(new, old):
        shape = [-1] + [1] * (len(old.shape) - 1)
        return tf.where(tf.reshape(better, shape), new, old)

    merged = [choose(new, old) for new, old in zip(other, one, strict=True)]
    return InversionResult(*merged)
