"""The training loop: from a configuration and images to a trained GAN."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf.data import image_tensors
from ganad_tf.gan.gan import DCGAN
from ganad_tf.recipes import recipe_of
from ganad_tf.training import callbacks
from ganad_tf.training import distribution
from ganad_tf.training import monitoring
from ganad_tf.training import tensorboard_runs
from ganad_tf.training import warm_start
from ganad_tf.training.building import build_gan
from ganad_tf.training.building import load_gan
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.sample_images import MirroredBatches
from ganad_tf.training.sample_images import SampleImages

# Images that the linear head is fitted to, before mirroring.
MAX_HEAD_IMAGES = 4096
# Name of the TensorBoard run.
RUN_NAME = "training"


def train(
    config: TrainingConfig,
    train_images: SampleImages,
    model_dir: str,
    *,
    held_out_images: SampleImages,
    text: str = "",
    steps_per_epoch: int = 100,
    init_from: str | None = None,
) -> DCGAN:
    """Trains a GAN, or resumes a training run that was interrupted.

    Args:
        config: `TrainingConfig`.
        train_images: Qualified training images.
        model_dir: Folder of the checkpoint and of the TensorBoard logs.
        held_out_images: Other qualified images, of which TensorBoard shows
            reconstructions; the trained GAN does not depend on them.
        text: Markdown for TensorBoard's text page.
        steps_per_epoch: Steps between two checkpoints.
        init_from: Folder of a trained model of the same shapes, whose networks
            a new training run begins with; None to begin with random ones.

    Returns:
        gan: The trained `DCGAN`.

    Raises:
        UnstableTrainingError: If the training run diverges or collapses.
    """
    gan = build_gan(config)
    checkpoint = callbacks.Checkpoint(model_dir)
    step = checkpoint.restore(gan)
    distribution.agree(step)
    if step >= config.num_steps:
        logging.info("The training run is complete: nothing to do.")
        return gan
    if step:
        logging.info("Resuming at step %d of %d.", step, config.num_steps)
    elif init_from is not None:
        warm_start.copy_weights(load_gan(init_from), gan)
        logging.info("Starting with the networks of %s.", init_from)
    elif recipe_of(config.method).without(config.without).fits_linear_head:
        images = train_images.as_network_images(config, MAX_HEAD_IMAGES)
        fit_linear_head(gan, images, config)
        # Other processors round differently, and may turn a component round.
        distribution.share(gan.linear_head.weights + gan.latent_prior.weights)
    monitor = monitoring.TrainingMonitor(
        tensorboard_runs.log_dir(model_dir, RUN_NAME),
        real_images=_shown_images(config, train_images),
        held_out_images=_shown_images(config, held_out_images),
        text=text,
    )
    train_images.forget()  # the loop decodes into a cache of its own
    # Resuming: batches continue at the same step, and so do step sizes and
    # draws, since optimizers and step counter are in the checkpoint.
    steps_per_epoch = min(steps_per_epoch, config.num_steps)
    gan.fit(
        _batches(config, train_images.paths, start_step=step),
        initial_epoch=step // steps_per_epoch,
        epochs=-(-config.num_steps // steps_per_epoch),
        steps_per_epoch=steps_per_epoch,
        shuffle=False,
        verbose=0,
        callbacks=_callbacks(config, checkpoint, monitor),
    )
    return gan


def fit_linear_head(
    gan: DCGAN, images: np.ndarray, config: TrainingConfig
) -> None:
    """Fits linear head and latent prior to images and their mirror images.

    Args:
        gan: The GAN that owns the head.
        images: Qualified ones, float32 of shape (n, height, width, channels)
            in [-1, 1].
        config: Says which mirror images the training run shows.
    """
    batches = MirroredBatches(
        images, left_right=config.horizontal_flip, up_down=config.vertical_flip
    )
    gan.linear_head.fit(batches, seed=config.seed)
    latents = [gan.linear_head.project(batch) for batch in batches]
    gan.latent_prior.fit(np.concatenate(latents), seed=config.seed)


def _shown_images(config: TrainingConfig, sample: SampleImages) -> np.ndarray:
    """Images for TensorBoard; a copy, so that the sample can be forgotten."""
    return sample.as_network_images(config, monitoring.NUM_MEASURED).copy()


def _batches(
    config: TrainingConfig, paths: list[str], *, start_step: int
) -> tf.data.Dataset:
    return image_tensors.training_dataset(
        paths,
        image_size=config.image_size,
        channels=config.channels,
        batch_size=config.batch_size,
        seed=config.seed,
        start_step=start_step,
        horizontal_flip=config.horizontal_flip,
        vertical_flip=config.vertical_flip,
        max_shift=config.max_shift,
    )


def _callbacks(
    config: TrainingConfig,
    checkpoint: callbacks.Checkpoint,
    monitor: monitoring.TrainingMonitor,
) -> list[keras.callbacks.Callback]:
    """In the order in which they are called; the guard precedes the checkpoint.

    So the last checkpoint of a diverged run is from before it diverged.
    """
    return [
        callbacks.StopAtLastStep(config.num_steps),
        callbacks.Progress(config.batch_size),
        callbacks.TrainingGuard(),
        checkpoint,
        *distribution.of_chief(monitor),
    ]
