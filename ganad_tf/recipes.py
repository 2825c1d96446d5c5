"""Recipes: all that a method decides, from the networks to the score."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ganad_tf.errors import UserError
from ganad_tf.score_parts import FRECHET
from ganad_tf.score_parts import RESIDUAL


@dataclasses.dataclass(frozen=True)
class Inversion:
    """Descent to an image's latent; fields are arguments of `LatentInverter`.

    Attributes:
        num_steps: Steps of descent; 0 keeps the start.
        optimizer: "sgd", "momentum" or "adam".
        learning_rate: Step size.
        schedule: "constant", or "cosine" down to 0 over the steps.
    """

    num_steps: int
    optimizer: str
    learning_rate: float
    schedule: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """One method, complete.

    Attributes:
        name: Value of `--method`.
        description: What it is, for the help of `--method`.
        has_encoder: Whether an encoder, a linear head and a latent prior are
            trained beside the two players.
        fits_linear_head: Whether the linear head is fitted to the training
            images; unfitted it projects to zeros and adds nothing.
        activation: Of the generator's output, "linear" or "tanh".
        output_stddev: Scale of the generator's last initial weights.
        width: Channels of the networks' widest-resolution layers.
        latent_dims: Lengths of a latent to choose from, ascending: the least
            that is enough for held-out images.
        num_steps: Steps of training.
        field_steps: Steps of training the U-Net discriminator, whose features
            are the field; 0 for no field.
        batch_size: Images a step.
        learning_rate: Adam's step size of generator and encoder.
        discriminator_learning_rate: Adam's step size of the discriminator.
        denoising: Whether the encoder sees synthetic defects.
        adversarial_weight: Of the generator's non-saturating loss.
        reconstruction_weight: Of the Laplacian-pyramid L1.
        denoising_weight: Of the distance to the clean image's latents.
        latent_weight: Of the squared error of latents of generated images.
        prior_weight: Of `losses.latent_prior_loss`.
        latent_noise: Deviation of the noise on latents before the generator.
        label_smoothing: Taken off the discriminator's target of real images.
        ema_momentum: Of the moving averages of generator and encoder.
        inversion: How images are inverted.
        whiten: Whether Fréchet distances are taken in the whitened space of
            the reference.
        score_parts: Parts that make up the anomaly score, by their field of
            `Detection`.
        ablations: Fields that are replaced when a part of the method is
            switched off, by the part's name (value of `--without`).
    """

    name: str
    description: str
    activation: str
    output_stddev: float
    width: int
    latent_dims: tuple[int, ...]
    learning_rate: float
    inversion: Inversion
    score_parts: tuple[str, ...]
    has_encoder: bool = True
    fits_linear_head: bool = True
    whiten: bool = True
    num_steps: int = 1000
    field_steps: int = 0
    batch_size: int = 32
    discriminator_learning_rate: float = 1e-4
    denoising: bool = True
    adversarial_weight: float = 0.15
    reconstruction_weight: float = 40.0
    denoising_weight: float = 10.0
    latent_weight: float = 0.5
    prior_weight: float = 0.2
    latent_noise: float = 0.02
    label_smoothing: float = 0.1
    ema_momentum: float = 0.995
    ablations: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )

    def without(self, parts: Iterable[str]) -> Recipe:
        """The recipe with parts of the method switched off.

        Args:
            parts: Names of `ablations`.

        Returns:
            recipe: `Recipe`.

        Raises:
            UserError: If the method has no such ablation.

        Example:
        >>> JOINT.without(["adversarial"]).adversarial_weight
        0.0
        """
        changes: dict[str, Any] = {}
        for part in parts:
            if part not in self.ablations:
                raise UserError(
                    "Invalid value for --without. Expected one of "
                    f"{tuple(self.ablations)} for method {self.name!r}. "
                    f"Received: {part!r}"
                )
            changes |= self.ablations[part]
        return dataclasses.replace(self, **changes)

    @property
    def gan_arguments(self) -> dict[str, Any]:
        """Arguments of `DCGAN` that the recipe decides, networks aside."""
        return {name: getattr(self, name) for name in GAN_ARGUMENTS}


# Fields of a `Recipe` that are arguments of `DCGAN`.
GAN_ARGUMENTS = (
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

JOINT = Recipe(
    name="joint",
    description="linear head, denoising encoder and joint losses",
    activation="linear",
    # The linear head draws the image; the generator starts by adding little.
    output_stddev=4e-4,
    width=16,
    latent_dims=(224, 400),
    learning_rate=1e-3,
    field_steps=600,
    # Momentum, since Adam's division by small gradients would magnify
    # rounding errors up to 1e-4.
    inversion=Inversion(3, "momentum", 1.0, "cosine"),
    score_parts=(FRECHET.field, RESIDUAL.field),
    ablations={
        # Without synthetic defects there is nothing to remove.
        "corruptions": {"denoising": False, "denoising_weight": 0.0},
        # Without linear head there are no latents of the clean image.
        "linear_head": {
            "fits_linear_head": False,
            "output_stddev": 0.02,
            "denoising_weight": 0.0,
        },
        "adversarial": {"adversarial_weight": 0.0},
        "field": {"field_steps": 0},
    },
)
PAPER = Recipe(
    name="paper",
    description="the plain DCGAN of Lai et al. (2018)",
    has_encoder=False,
    fits_linear_head=False,
    activation="tanh",
    output_stddev=0.02,
    width=32,
    latent_dims=(64,),
    learning_rate=3e-4,
    # Plain gradient descent from the prior's mean; a rate above about 30
    # diverges.
    inversion=Inversion(100, "sgd", 10.0, "constant"),
    whiten=False,
    score_parts=(FRECHET.field,),
)
RECIPES = {recipe.name: recipe for recipe in (JOINT, PAPER)}
METHODS = tuple(RECIPES)


def recipe_of(method: str) -> Recipe:
    """The `Recipe` of a method's name, one of `METHODS`.

    Raises:
        UserError: If there is no such method.

    Example:
    >>> recipe_of("paper").width
    32
    """
    if method not in RECIPES:
        raise UserError(
            f"Invalid value for argument `method`. Expected one of {METHODS}. "
            f"Received: method={method!r}"
        )
    return RECIPES[method]
