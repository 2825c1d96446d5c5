"""Training: from qualified images to a GAN in a model folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from scipy import ndimage
from sklearn.decomposition import PCA

from ganad_tf import artifacts
from ganad_tf.data import image_tensors
from ganad_tf.data.tiles import TileGrid
from ganad_tf.data.tiles import fitting_side
from ganad_tf.gan import networks
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.latent_prior import LatentPrior
from ganad_tf.gan.linear_head import LinearHead
from ganad_tf.training import callbacks
from ganad_tf.training import monitoring

METHODS = ("joint", "paper")
# What can be left out of "joint", to see what it gives.
ABLATIONS = ("corruptions", "linear_head", "adversarial")
# Adam's step size for generator and encoder, by method.
LEARNING_RATES = {"joint": 1e-3, "paper": 3e-4}
CONFIG_NAME = "config.json"
MAX_HEAD_IMAGES = 4096
TILE_SIZE = 16
# Textures that would lose more than half of their resolution are tiled.
MAX_REDUCTION = 2
# Latent dimensions of aligned parts: the first of which as many principal
# components explain this share of held-out qualified images is taken.
LATENT_DIMS = (224, 400)
MIN_EXPLAINED = 0.98
# Training images that the choice looks at; four mirror images of each.
MAX_CHOICE_IMAGES = 1024
# Share of the variance that the mean image explains, from which on images are
# taken to show the same part in the same place.
MIN_ALIGNMENT = 0.1


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training, beside the images.

    Attributes:
        method: "joint" (linear head, denoising encoder, joint losses) or
            "paper" (the plain DCGAN of Lai et al. 2018).
        image_size: Side of the networks' images in pixels, 16 to 128: of
            the whole image, or of one of its tiles.
        channels: 1 for gray, 3 for RGB.
        aligned: Whether every image shows the same part in the same place.
        latent_dim: Length of a latent.
        width: Channels of the networks' widest-resolution layers.
        num_steps: Steps of training.
        batch_size: Images a step.
        learning_rate: Of generator and encoder.
        discriminator_learning_rate: Of the discriminator.
        horizontal_flip: Whether images are mirrored left-right in training.
        vertical_flip: Whether they are mirrored up-down.
        max_shift: By how many pixels they are shifted at the most.
        mixed_precision: Whether hidden layers compute in bfloat16.
        seed: Of everything random.
        field_size: (height, width) in pixels of the image that tiles cover;
            None where the networks see the whole image.
        tile_stride: Pixels from one tile to the next.
        without: Which of `ABLATIONS` the method "joint" is trained without.
    """

    method: str
    image_size: int
    channels: int
    aligned: bool
    latent_dim: int
    width: int
    num_steps: int
    batch_size: int = 32
    learning_rate: float = LEARNING_RATES["joint"]
    discriminator_learning_rate: float = 1e-4
    horizontal_flip: bool = True
    vertical_flip: bool = True
    max_shift: int = 0
    mixed_precision: bool = False
    seed: int = 0
    field_size: tuple[int, int] | None = None
    tile_stride: int = 8
    without: tuple[str, ...] = ()

    @property
    def grid(self) -> TileGrid:
        """How the networks' images cover the images that are judged."""
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
            FileNotFoundError: If there is none.
        """
        values = artifacts.read_json(
            os.path.join(model_dir, CONFIG_NAME), made_by="train_gan.py"
        )
        names = [field.name for field in dataclasses.fields(cls)]
        for name in ("field_size", "without"):  # JSON has no tuples
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        return cls(**{name: values[name] for name in names if name in values})


def is_aligned(qualified: np.ndarray) -> bool:
    """Whether images show the same part in the same place.

    Args:
        qualified: Floats of shape (n, height, width, channels).

    Returns:
        aligned: Whether the mean image explains at least `MIN_ALIGNMENT` of
            the images' variance, once shading coarser than a sixteenth of
            the side is taken off each image. The share is high for parts that
            lie in place, about 1 / n for textures.
    """
    sigma = qualified.shape[1] / 16
    shading = ndimage.gaussian_filter(qualified, (0, sigma, sigma, 0))
    detail = qualified - shading
    total = np.square(detail).mean() + 1e-12
    share = np.square(detail.mean(axis=0)).mean() / total
    aligned = bool(share >= MIN_ALIGNMENT)
    logging.info(
        "The mean image explains %.0f %% of the variance of the training "
        "images: they are taken for %s.",
        100 * share,
        "aligned parts" if aligned else "textures",
    )
    return aligned


def choose_latent_dim(qualified: np.ndarray, held_out: np.ndarray) -> int:
    """How many latents hold aligned parts that the training does not show.

    Args:
        qualified: Training images, floats of shape (n, height, width,
            channels); principal components are those of them and of their
            mirror images.
        held_out: Qualified images of shape (any n, height, width, channels).

    Returns:
        latent_dim: The least of `LATENT_DIMS` of which so many components
            explain `MIN_EXPLAINED` of the variance of `held_out`, or the
            largest.
    """
    qualified = _mirrored(qualified[:MAX_CHOICE_IMAGES], across=True, down=True)
    pixels = qualified.reshape(len(qualified), -1)
    rank = min(max(LATENT_DIMS), len(pixels) - 1, pixels.shape[1])
    pca = PCA(rank, svd_solver="randomized", random_state=0).fit(pixels)
    held_out = held_out.reshape(len(held_out), -1)
    energies = np.square(pca.transform(held_out)).sum(axis=0).cumsum()
    shares = energies / (np.square(held_out - pca.mean_).sum() + 1e-12)
    found = {dim: shares[min(dim, rank) - 1] for dim in LATENT_DIMS}
    enough = [dim for dim, share in found.items() if share >= MIN_EXPLAINED]
    chosen = enough[0] if enough else max(LATENT_DIMS)
    logging.info(
        "Latents have %d numbers: of the variance of held-out qualified "
        "images, principal components explain %s.",
        chosen,
        ", ".join(f"{100 * s:.1f} % by {dim}" for dim, s in found.items()),
    )
    return chosen


def _mirrored(images: np.ndarray, *, across: bool, down: bool) -> np.ndarray:
    """Images, and behind them their mirror images."""
    if across:
        images = np.concatenate([images, images[:, :, ::-1]])
    if down:
        images = np.concatenate([images, images[:, ::-1]])
    return images


def choose_field_size(
    size: tuple[int, int], *, aligned: bool, image_size: int, tile_stride: int
) -> tuple[int, int] | None:
    """Whether images are judged in tiles, and at what size.

    Args:
        size: Median (height, width) of the training images in pixels.
        aligned: Whether every image shows the same part in the same place.
        image_size: Side of the networks' images where they see a whole image.
        tile_stride: Pixels from one tile of `TILE_SIZE` to the next.

    Returns:
        field_size: (height, width) nearest to `size` that tiles cover; None
            for whole images.
    """
    if aligned or min(size) <= MAX_REDUCTION * image_size:
        logging.info(
            "Images of %dx%d px are judged whole, at %d px: %s.",
            *size[::-1],
            image_size,
            "the parts lie in place"
            if aligned
            else "that keeps at least half of their resolution",
        )
        return None
    height, width = (
        fitting_side(side, tile_size=TILE_SIZE, stride=tile_stride)
        for side in size
    )
    logging.info(
        "Textures of %dx%d px would lose more than half of their resolution "
        "at %d px: they are judged at %dx%d px in tiles of %d px.",
        *size[::-1],
        image_size,
        width,
        height,
        TILE_SIZE,
    )
    return height, width


def build_gan(config: TrainingConfig) -> DCGAN:
    """Builds and compiles the GAN of a configuration, untrained.

    Args:
        config: `TrainingConfig`.

    Returns:
        gan: Compiled `DCGAN`; the linear head of "joint" is still empty.

    Raises:
        ValueError: If the configuration has an unknown method or image size.
    """
    if config.method not in METHODS:
        raise ValueError(
            f"Invalid value for argument `method`. Expected one of {METHODS}. "
            f"Received: method={config.method!r}"
        )
    joint = config.method == "joint"
    plain = not joint or "linear_head" in config.without
    size = {"image_size": config.image_size, "channels": config.channels}
    hidden = {
        "width": config.width,
        "dtype": "mixed_bfloat16" if config.mixed_precision else "float32",
    }
    latents = {"latent_dim": config.latent_dim}
    generator = networks.build_generator(
        **size,
        **latents,
        **hidden,
        activation="linear" if joint else "tanh",
        output_stddev=0.02 if plain else 4e-4,
        seed=config.seed,
    )
    discriminator = networks.build_discriminator(
        **size, **hidden, seed=config.seed + 1000
    )
    encoder = head = prior = None
    if joint:
        encoder = networks.build_encoder(
            **size, **latents, **hidden, seed=config.seed + 2000
        )
        head = LinearHead(**size, **latents)
        prior = LatentPrior(**latents)
    left_out = {}
    if "adversarial" in config.without:
        left_out["adversarial_weight"] = 0.0
    if {"corruptions", "linear_head"} & set(config.without):
        # There is nothing to take off, or no latents of the clean image.
        left_out["denoising_weight"] = 0.0
    gan = DCGAN(
        generator,
        discriminator,
        encoder,
        head,
        prior,
        num_steps=config.num_steps,
        seed=config.seed,
        denoising="corruptions" not in config.without,
        **left_out,
    )
    gan.compile(config.learning_rate, config.discriminator_learning_rate)
    return gan


def fit_linear_head(
    gan: DCGAN, qualified: np.ndarray, config: TrainingConfig
) -> None:
    """Fits linear head and latent prior to images and their mirror images.

    Args:
        gan: The GAN that owns the head.
        qualified: float32 of shape (n, height, width, channels) in [-1, 1].
        config: Says which mirror images the training shows.
    """
    qualified = _mirrored(
        qualified, across=config.horizontal_flip, down=config.vertical_flip
    )
    gan.linear_head.fit(qualified, seed=config.seed)
    latents = np.asarray(gan.linear_head.project(qualified))
    gan.latent_prior.fit(latents, seed=config.seed)


def _head_images(config: TrainingConfig, paths: Sequence[str]) -> np.ndarray:
    """What the linear head is fitted to: whole images, or tiles of some."""
    grid = config.grid
    if grid.is_whole:
        return image_tensors.load_images(
            paths[:MAX_HEAD_IMAGES],
            image_size=config.image_size,
            channels=config.channels,
        )
    batches = image_tensors.training_dataset(
        paths,
        image_size=config.field_size,
        channels=config.channels,
        batch_size=MAX_HEAD_IMAGES,
        seed=config.seed,
        crop_size=config.image_size,
    )
    return next(iter(batches)).numpy()


def start_or_resume(config: TrainingConfig, model_dir: str, **facts) -> None:
    """Writes `config.json`, or checks that an earlier one is the same.

    Args:
        config: What this run asks for.
        model_dir: The model folder.
        **facts: Further entries for `config.json`.

    Raises:
        ValueError: If the folder holds a model with another configuration.
    """
    if not os.path.exists(os.path.join(model_dir, CONFIG_NAME)):
        config.save(model_dir, **facts)
        return
    old = dataclasses.asdict(TrainingConfig.load(model_dir))
    new = dataclasses.asdict(config)
    changed = [f"{k}={old[k]} not {new[k]}" for k in new if old[k] != new[k]]
    if changed:
        raise ValueError(
            f"{model_dir} holds a model with other settings: "
            f"{', '.join(changed)}. Use the same flags to go on with it, or "
            "another --model_dir"
        )


def network_images(
    config: TrainingConfig,
    paths: Sequence[str],
    *,
    limit: int = monitoring.NUM_MEASURED,
) -> np.ndarray:
    """The first images, as the networks see them; of larger ones the centre.

    Args:
        config: `TrainingConfig`.
        paths: Image files.
        limit: How many of them.

    Returns:
        images: float32 of shape (n, size, size, channels) in [-1, 1].
    """
    loaded = image_tensors.load_images(
        paths[:limit],
        image_size=config.field_size or config.image_size,
        channels=config.channels,
    )
    size = config.image_size
    return tf.image.resize_with_crop_or_pad(loaded, size, size).numpy()


def train(
    config: TrainingConfig,
    paths: Sequence[str],
    model_dir: str,
    *,
    calibration_paths: Sequence[str] = (),
    text: str = "",
    steps_per_epoch: int = 100,
) -> DCGAN:
    """Trains a GAN, or goes on where a killed training has stopped.

    Args:
        config: `TrainingConfig`.
        paths: Qualified training images.
        model_dir: Folder of the checkpoint and of the TensorBoard logs.
        calibration_paths: Held-out qualified images, of which TensorBoard
            shows reconstructions; the training does not depend on them.
        text: Markdown for TensorBoard's text page.
        steps_per_epoch: Steps between two checkpoints.

    Returns:
        gan: The trained `DCGAN`.

    Raises:
        FloatingPointError: If the training diverges or collapses.
    """
    gan = build_gan(config)
    checkpoint = callbacks.Checkpoint(model_dir)
    step = checkpoint.restore(gan)
    steps_per_epoch = min(steps_per_epoch, config.num_steps)
    if step >= config.num_steps:
        logging.info("The training has ended already.")
        return gan
    if step:
        logging.info("Going on at step %d of %d.", step, config.num_steps)
    elif gan.linear_head is not None and "linear_head" not in config.without:
        fit_linear_head(gan, _head_images(config, paths), config)
    batches = image_tensors.training_dataset(
        paths,
        image_size=config.field_size or config.image_size,
        channels=config.channels,
        crop_size=config.image_size if config.field_size else None,
        batch_size=config.batch_size,
        seed=config.seed,
        start_step=step,
        horizontal_flip=config.horizontal_flip,
        vertical_flip=config.vertical_flip,
        max_shift=config.max_shift,
    )
    gan.fit(
        batches,
        initial_epoch=step // steps_per_epoch,
        epochs=-(-config.num_steps // steps_per_epoch),
        steps_per_epoch=steps_per_epoch,
        shuffle=False,
        verbose=0,
        callbacks=[
            callbacks.Progress(config.batch_size),
            callbacks.TrainingGuard(),
            checkpoint,
            monitoring.TrainingMonitor(
                os.path.join(model_dir, "logs", "training"),
                real_images=network_images(config, paths),
                held_out_images=network_images(config, calibration_paths),
                text=text,
            ),
        ],
    )
    return gan


def load_gan(model_dir: str) -> DCGAN:
    """Loads the trained GAN of a model folder.

    Args:
        model_dir: Folder that `train_gan.py` wrote.

    Returns:
        gan: The `DCGAN`.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If its training has not ended yet.
    """
    gan = build_gan(TrainingConfig.load(model_dir))
    step = callbacks.Checkpoint(model_dir).restore(gan)
    if step < gan.num_steps:
        raise ValueError(
            f"The training in {model_dir} has not ended: step {step} of "
            f"{gan.num_steps}. Run train_gan.py with the same flags again; it "
            "goes on where it stopped"
        )
    return gan


def use_determinism(seed: int) -> None:
    """Starts afresh: ops repeatable, what has no seed seeded, Keras emptied."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
