"""The field's training run: the U-Net discriminator on crops of images."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from absl import logging

from ganad_tf.data import image_tensors
from ganad_tf.errors import UserError
from ganad_tf.gan.field_discriminator import FieldDiscriminator
from ganad_tf.gan.unet_discriminator import STRIDE
from ganad_tf.gan.unet_discriminator import build_unet_discriminator
from ganad_tf.training import callbacks
from ganad_tf.training import distribution
from ganad_tf.training import tensorboard_runs
from ganad_tf.training import warm_start
from ganad_tf.training.configuration import TrainingConfig

CHECKPOINT_NAME = "field.weights.h5"
# Name of the TensorBoard run.
RUN_NAME = "field"
# Sides of the crops in pixels, at most, and how many make a step.
CROP_SIZE = 128
BATCH_SIZE = 16


def train_field(
    config: TrainingConfig,
    paths: Sequence[str],
    model_dir: str,
    *,
    steps_per_epoch: int = 100,
    init_from: str | None = None,
) -> keras.Model:
    """Trains the U-Net discriminator, or resumes an interrupted run.

    Args:
        config: `TrainingConfig` with a `field_size`.
        paths: Qualified training images.
        model_dir: Folder of the checkpoint and of the TensorBoard logs.
        steps_per_epoch: Steps between two checkpoints.
        init_from: Folder of a trained model, whose network a new training run
            begins with; None to begin with a random one.

    Returns:
        unet: The trained U-Net discriminator.

    Raises:
        UnstableTrainingError: If the training run diverges.
    """
    model = build_field_discriminator(config)
    checkpoint = callbacks.Checkpoint(model_dir, CHECKPOINT_NAME)
    step = checkpoint.restore(model)
    distribution.agree(step)
    if step >= config.field_steps:
        logging.info("The field's training run is complete: nothing to do.")
        return model.unet
    logging.info(
        "The U-Net discriminator learns from crops of images of %dx%d px.",
        *reversed(config.field_size),
    )
    if step:
        logging.info("Resuming at step %d of %d.", step, config.field_steps)
    elif init_from is not None:
        warm_start.copy_weights(_trained(init_from), model)
    steps_per_epoch = min(steps_per_epoch, config.field_steps)
    log_dir = tensorboard_runs.log_dir(model_dir, RUN_NAME)
    model.fit(
        _crops(config, paths, start_step=step),
        initial_epoch=step // steps_per_epoch,
        epochs=-(-config.field_steps // steps_per_epoch),
        steps_per_epoch=steps_per_epoch,
        shuffle=False,
        verbose=0,
        callbacks=[
            callbacks.StopAtLastStep(config.field_steps),
            callbacks.Progress(BATCH_SIZE),
            callbacks.TrainingGuard(),
            checkpoint,
            *distribution.of_chief(
                keras.callbacks.TensorBoard(log_dir, write_graph=False)
            ),
        ],
    )
    return model.unet


def build_field_discriminator(config: TrainingConfig) -> FieldDiscriminator:
    """Builds and compiles the model of a configuration, untrained.

    Args:
        config: `TrainingConfig` with a `field_size`.

    Returns:
        model: Compiled `FieldDiscriminator`.
    """
    unet = build_unet_discriminator(
        channels=config.channels,
        width=config.field_width,
        # A seed apart from those of the other networks.
        seed=config.seed + 3000,
        dtype="mixed_bfloat16" if config.mixed_precision else "float32",
    )
    model = FieldDiscriminator(
        unet, num_steps=config.field_steps, seed=config.seed
    )
    model.compile()
    return model


def load_unet(model_dir: str) -> keras.Model | None:
    """Loads the trained U-Net discriminator of a model folder.

    Args:
        model_dir: Folder that `train_gan` wrote.

    Returns:
        unet: The network; None if the method has no field.

    Raises:
        UserError: If its training run is not complete.
    """
    if TrainingConfig.load(model_dir).field_size is None:
        return None
    return _trained(model_dir).unet


def _trained(model_dir: str) -> FieldDiscriminator:
    config = TrainingConfig.load(model_dir)
    model = build_field_discriminator(config)
    step = callbacks.Checkpoint(model_dir, CHECKPOINT_NAME).restore(model)
    if step < config.field_steps:
        raise UserError(
            f"The field's training run in {model_dir} is not complete: step "
            f"{step} of {config.field_steps}. Run train_gan.py again with the "
            "same flags; it resumes"
        )
    return model


def _crops(config: TrainingConfig, paths: Sequence[str], *, start_step: int):
    side = min(CROP_SIZE, *config.field_size) // STRIDE * STRIDE
    return image_tensors.training_dataset(
        paths,
        image_size=config.field_size,
        channels=config.channels,
        crop_size=side,
        batch_size=BATCH_SIZE,
        seed=config.seed,
        start_step=start_step,
        horizontal_flip=config.horizontal_flip,
        vertical_flip=config.vertical_flip,
    )
