"""The configuration of a training run, as `config.json` holds it."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from ganad_tf import artifacts
from ganad_tf.data.tiles import TileGrid
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
    "tile_stride": 1,
}
_TUPLES = ("field_size", "without")  # JSON has none


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training run, beside the images.

    `choices.resolve` makes one from images and a user's overrides.

    Attributes:
        method: Name of a recipe, "joint" (linear head, denoising encoder,
            joint losses) or "paper" (the plain DCGAN of Lai et al. 2018).
        image_size: Side of the networks' images in pixels, 16 to 128: of
            the whole image, or of one of its tiles.
        channels: 1 for gray, 3 for RGB.
        aligned: Whether every image shows the same part in the same place.
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
        field_size: (height, width) in pixels of the image that tiles cover;
            None where the networks see the whole image.
        tile_stride: Pixels from one tile to the next.
        without: Ablations of the recipe: parts that are switched off.

    Raises:
        UserError: If a field is below its least value in `LEAST`, or images
            are shifted by a whole image.
    """

    method: str
    image_size: int
    channels: int
    aligned: bool
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
    tile_stride: int = 8
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

    @property
    def grid(self) -> TileGrid:
        """The tiles that cover an image; a single tile for whole images."""
        height, width = self.field_size or (self.image_size, self.image_size)
        stride = self.tile_stride if self.field_size else self.image_size
        return TileGrid(height, width, tile_size=self.image_size, stride=stride)

    def save(self, model_dir: str, **facts: Any) -> None:
        """Writes `config.json`: these fields, and `facts` beside them."""
        artifacts.write_json(
            os.path.join(model_dir, CONFIG_NAME),
            {**dataclasses.asdict(self), **facts},
        )

    @classmethod
    def load(cls, model_dir: str) -> TrainingConfig:
        """Reads `config.json` of a model folder.

        Raises:
            UserError: If there is none, or it lacks a setting.
        """
        fields = dataclasses.fields(cls)
        values = artifacts.read_json(
            os.path.join(model_dir, CONFIG_NAME),
            made_by="train_gan.py",
            keys=[f.name for f in fields if f.default is dataclasses.MISSING],
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
