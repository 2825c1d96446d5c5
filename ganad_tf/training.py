"""Training: from qualified images to a GAN in a model folder."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf import artifacts
from ganad_tf import callbacks
from ganad_tf import networks
from ganad_tf.gan import DCGAN
from ganad_tf.linear_head import LinearHead

METHODS = ("joint", "paper")
MAX_HEAD_IMAGES = 4096
# Share of the variance that the mean image explains, from which on images are
# taken to show the same part in the same place.
MIN_ALIGNMENT = 0.1


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training, beside the images.

    Attributes:
        method: "joint" (linear head, denoising encoder, joint losses) or
            "paper" (the plain DCGAN of Lai et al. 2018).
        image_size: Side of the images in pixels: 32, 64 or 128.
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
    """

    method: str
    image_size: int
    channels: int
    aligned: bool
    latent_dim: int
    width: int
    num_steps: int
    batch_size: int = 32
    learning_rate: float = 3e-4
    discriminator_learning_rate: float = 2e-4
    horizontal_flip: bool = True
    vertical_flip: bool = True
    max_shift: int = 0
    mixed_precision: bool = False
    seed: int = 0

    def save(self, model_dir: str, **facts: Any) -> None:
        """Writes `config.json`: these fields, and `facts` beside them."""
        artifacts.write_json(
            os.path.join(model_dir, "config.json"),
            {**dataclasses.asdict(self), **facts},
        )

    @classmethod
    def load(cls, model_dir: str) -> TrainingConfig:
        """Reads `config.json` of a model folder.

        Raises:
            FileNotFoundError: If there is none.
        """
        values = artifacts.read_json(
            os.path.join(model_dir, "config.json"), made_by="train_gan.py"
        )
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: values[name] for name in names})


def alignment(images: np.ndarray) -> float:
    """Share of the images' variance that their mean image explains.

    Args:
        images: Floats of shape (n, height, width, channels).

    Returns:
        share: In [0, 1], each image's own mean taken off first: high where
            the same part lies in the same place, about 1 / n for textures.
    """
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    total = np.square(centred).mean()
    return float(np.square(centred.mean(axis=0)).mean() / (total + 1e-12))


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
    images = {"image_size": config.image_size, "channels": config.channels}
    hidden = {
        "width": config.width,
        "dtype": "mixed_bfloat16" if config.mixed_precision else "float32",
    }
    latents = {"latent_dim": config.latent_dim}
    generator = networks.build_generator(
        **images,
        **latents,
        **hidden,
        activation="linear" if joint else "tanh",
        output_stddev=4e-4 if joint else 0.02,
        seed=config.seed,
    )
    discriminator = networks.build_discriminator(
        **images, **hidden, seed=config.seed + 1000
    )
    encoder = head = None
    if joint:
        encoder = networks.build_encoder(
            **images, **latents, **hidden, seed=config.seed + 2000
        )
        head = LinearHead(**images, **latents)
    gan = DCGAN(
        generator,
        discriminator,
        encoder,
        head,
        num_steps=config.num_steps,
        seed=config.seed,
    )
    gan.compile(config.learning_rate, config.discriminator_learning_rate)
    return gan


def fit_linear_head(
    gan: DCGAN, images: np.ndarray, config: TrainingConfig
) -> None:
    """Fits the linear head to qualified images and their mirror images.

    Args:
        gan: The GAN that owns the head.
        images: float32 of shape (n, height, width, channels) in [-1, 1];
            no more than `MAX_HEAD_IMAGES` are used.
        config: Says which mirror images the training shows.
    """
    images = images[:MAX_HEAD_IMAGES]
    if config.horizontal_flip:
        images = np.concatenate([images, images[:, :, ::-1]])
    if config.vertical_flip:
        images = np.concatenate([images, images[:, ::-1]])
    gan.linear_head.fit(images, seed=config.seed)


def train(
    gan: DCGAN,
    *,
    dataset_from: Any,
    model_dir: str,
    steps_per_epoch: int = 100,
    extra_callbacks: list[keras.callbacks.Callback] | None = None,
) -> DCGAN:
    """Trains a GAN, or goes on where a killed training has stopped.

    Args:
        gan: Compiled GAN, its linear head fitted.
        dataset_from: Function from a step to the endless `tf.data.Dataset` of
            training batches from that step on.
        model_dir: Folder of the checkpoint and of the TensorBoard logs.
        steps_per_epoch: Steps between two checkpoints.
        extra_callbacks: Further Keras callbacks.

    Returns:
        The trained GAN.

    Raises:
        FloatingPointError: If the training diverges or collapses.
    """
    checkpoint = callbacks.Checkpoint(model_dir)
    step = checkpoint.restore(gan)
    num_epochs = -(-gan.num_steps // steps_per_epoch)
    if step:
        logging.info("Going on at step %d of %d.", step, gan.num_steps)
    if step < gan.num_steps:
        gan.fit(
            dataset_from(step),
            initial_epoch=step // steps_per_epoch,
            epochs=num_epochs,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,
            callbacks=[
                callbacks.TrainingGuard(),
                checkpoint,
                keras.callbacks.TensorBoard(
                    os.path.join(model_dir, "logs"), write_graph=False
                ),
                *(extra_callbacks or []),
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
    """Makes TensorFlow's ops repeatable and seeds what has no seed."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
