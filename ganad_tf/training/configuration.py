"""The configuration of a training run, as `config.json` holds it."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from ganad_tf import artifacts
from ganad_tf.errors import UserError
from ganad_tf.recipes import JOINT

CONFIG_NAME = "config.json"
# Least values of fields.
LEAST = {
    "latent_dim": 2,
    "width": 1,
    "num_steps": 1,
    "batch_size": 2,
    "learning_rate": 0.0,
    "discriminator_learning_rate": 0.0,
    "max_shift": 0,
    "seed": 0,
    "field_steps": 0,
    "field_width": 1,
}
_TUPLES = ("field_size", "without")  # JSON has none


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training run, beside the images.

    `choices.resolve` makes one from images and a user's overrides.

    Attributes:
        method: Name of a recipe, "joint" (linear head, denoising encoder,
            joint losses) or "paper" (the plain DCGAN of Lai et al. 2018).
        image_size: Side of the networks' images in pixels, 16 to 128.
        channels: 1 for gray, 3 for RGB.
        latent_dim: Length of a latent.
        width: Channels of the networks' layers of the highest resolution.
        num_steps: Steps of the training run.
        batch_size: Images per step.
        learning_rate: Adam's step size for generator and encoder.
        discriminator_learning_rate: Adam's step size for the discriminator.
        horizontal_flip: Whether training images are mirrored left-right.
        vertical_flip: Whether training images are mirrored up-down.
        max_shift: Largest random shift of training images in pixels.
        mixed_precision: Whether hidden layers compute in bfloat16.
        seed: Seed of the split and of everything random.
        field_size: (height, width) in pixels, multiples of 16, of the images
            that the U-Net discriminator sees; None without a field.
        field_steps: Steps of its training run.
        field_width: Channels of its layers at half of the resolution.
        without: Ablations of the recipe: parts that are switched off.

    Raises:
        UserError: If a field is below its least value in `LEAST`, or images
            are shifted by a whole image.
    """

    method: str
    image_size: int
    channels: int
    latent_dim: int
    width: int
    num_steps: int
    batch_size: int = JOINT.batch_size
    learning_rate: float = JOINT.learning_rate
    discriminator_learning_rate: float = JOINT.discriminator_learning_rate
    horizontal_flip: bool = True
    vertical_flip: bool = True
    max_shift: int = 0
    mixed_precision: bool = False
    seed: int = 0
    field_size: tuple[int, int] | None = None
    field_steps: int = 0
    field_width: int = 16
    without: tuple[str, ...] = ()

    def __post_init__(self):
        for name, least in LEAST.items():
            self._check(name, getattr(self, name) >= least, f">= {least}")
        fits = self.max_shift < self.image_size
        self._check("max_shift", fits, f"< image_size={self.image_size}")

    def _check(self, name: str, is_valid: bool, expected: str) -> None:
        if not is_valid:
            raise UserError(
                f"Invalid value for --{name}. Expected {expected}. "
                f"Received: {name}={getattr(self, name)}"
            )

    def save(self, model_dir: str, **facts: Any) -> None:
        """Writes `config.json`: these fields, and `facts` beside them.

        Args:
            model_dir: The model folder.
            **facts: Further entries, such as the name of the data set.
        """
        artifacts.write_json(
            os.path.join(model_dir, CONFIG_NAME),
            {**dataclasses.asdict(self), **facts},
        )

    @classmethod
    def load(cls, model_dir: str) -> TrainingConfig:
        """Reads `config.json` of a model folder.

        Args:
            model_dir: Folder that `train_gan` wrote.

        Returns:
            config: `TrainingConfig`; fields that an earlier version did not
                have get their defaults.

        Raises:
            UserError: If there is none, it lacks a setting, or its model sees
                tiles of images.
        """
        fields = dataclasses.fields(cls)
        path = os.path.join(model_dir, CONFIG_NAME)
        values = artifacts.read_json(
            path,
            made_by="train_gan.py",
            keys=[f.name for f in fields if f.default is dataclasses.MISSING],
        )
        # Models of earlier versions that saw tiles of images have both fields.
        if values.get("tile_stride") and values.get("field_size"):
            raise UserError(
                f"{path} is of an earlier version. Expected a model that sees "
                "an image at once. Received: tile_stride="
                f"{values['tile_stride']}. Run train_gan.py again, with "
                "another --model_dir"
            )
        for name in _TUPLES:
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        names = {field.name for field in fields} & values.keys()
        return cls(**{name: values[name] for name in names})

    def save_or_match(self, model_dir: str, **facts: Any) -> None:
        """Writes `config.json`, or checks that an earlier one is equal.

        Args:
            model_dir: The model folder.
            **facts: Further entries of a new `config.json`.

        Raises:
            UserError: If the folder holds a model with other settings.
        """
        if not os.path.exists(os.path.join(model_dir, CONFIG_NAME)):
            self.save(model_dir, **facts)
            return
        old = dataclasses.asdict(TrainingConfig.load(model_dir))
        new = dataclasses.asdict(self)
        changed = [
            f"{k}={old[k]} not {new[k]}" for k in new if old[k] != new[k]
        ]
        if changed:
            raise UserError(
                f"{model_dir} holds a model with other settings: "
                f"{', '.join(changed)}. Use the same settings to resume it, or "
                "another --model_dir"
            )
