"""Monitoring: what TensorBoard shows of a training run while it lasts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.spatial import distance

from ganad_tf.training import held_out_losses
from ganad_tf.training.callbacks import steps_taken
from ganad_tf.training.image_grids import RESIDUAL_GAIN
from ganad_tf.training.image_grids import image_grid
from ganad_tf.training.image_grids import residual_image

# Images that pictures show, and images that figures are computed from.
NUM_SHOWN = 8
NUM_MEASURED = 64
# TensorBoard's tag of each training log.
TAGS = {
    "generator_loss": "losses/generator",
    "discriminator_loss": "losses/discriminator",
    "reconstruction_loss": "losses/reconstruction_of_corrupted",
    "denoising_loss": "losses/denoising",
    "latent_loss": "losses/latent",
    "prior_loss": "losses/prior",
    "discriminator_accuracy": "discriminator/accuracy",
    "real_logits": "discriminator/mean_logit_of_real",
    "generated_logits": "discriminator/mean_logit_of_generated",
    "generator_gradient_norm": "gradient_norms/generator",
    "discriminator_gradient_norm": "gradient_norms/discriminator",
    "diversity": "samples/spread_of_generated_to_real",
    "images_per_second": "speed/images_per_second",
}
HELD_OUT_TAG = "held_out/laplacian_reconstruction_loss"
DENOISING_TAG = "held_out/laplacian_denoising_loss"
DIVERSITY_TAG = "samples/pairwise_distance_of_generated_to_real"


def mean_pairwise_distance(images: np.ndarray) -> float:
    """Mean distance between two of the images, a measure of diversity.

    Args:
        images: Floats of shape (n, height, width, channels), n at least 2.

    Returns:
        distance: Mean over pairs of the root mean squared difference.

    Example:
    >>> mean_pairwise_distance(np.arange(2.0).repeat(16).reshape(2, 4, 4, 1))
    1.0
    """
    flat = np.reshape(images, [len(images), -1]).astype(np.float64)
    return float(distance.pdist(flat).mean() / np.sqrt(flat.shape[1]))


class TrainingMonitor(keras.callbacks.Callback):
    """Writes a training run to TensorBoard: scalars, images, histograms, text.

    Every epoch writes scalars, grouped by tags; every few epochs, and the
    last, write images and histograms, always of the same latents and images.
    The horizontal axis is the step, so a resumed run continues its curves.

    Args:
        log_dir: Folder of the event file, TensorBoard's run.
        real_images: Training images, float32 of shape (n, height, width,
            channels) in [-1, 1].
        held_out_images: Qualified images that the training run does not see,
            of the same shape; may be empty.
        text: Markdown of the text page: settings, versions, data.
        pictures_every: Epochs from one set of images to the next.
    """

    def __init__(
        self,
        log_dir: str,
        *,
        real_images: np.ndarray,
        held_out_images: np.ndarray,
        text: str = "",
        pictures_every: int = 3,
    ):
        super().__init__()
        self.log_dir = log_dir
        self.real_images = real_images[:NUM_MEASURED]
        self.held_out_images = held_out_images[:NUM_MEASURED]
        self.text = text
        self.pictures_every = pictures_every

    def on_train_begin(self, logs=None) -> None:
        self._writer = tf.summary.create_file_writer(self.log_dir)
        self._reconstruct = held_out_losses.make_reconstruct(self.model)
        self._latents = self.model.sample_latents(
            NUM_MEASURED, seed=tf.constant([self.model.seed, 0])
        )
        with self._writer.as_default(steps_taken(self.model)):
            tf.summary.text("training/settings_and_data", self.text)

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        last = epoch + 1 >= self.params["epochs"]
        with self._writer.as_default(steps_taken(self.model)):
            self._write_scalars(logs or {})
            if last or epoch % self.pictures_every == 0:
                self._write_samples()
                self._write_histograms()
                if len(self.held_out_images):
                    self._write_held_out()
        self._writer.flush()

    def on_train_end(self, logs=None) -> None:
        self._writer.close()

    def _write_scalars(self, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            tf.summary.scalar(TAGS.get(name, f"other/{name}"), value)
        for name in ("generator", "discriminator"):
            optimizer = getattr(self.model, f"{name}_optimizer")
            tf.summary.scalar(f"learning_rates/{name}", optimizer.learning_rate)

    def _write_samples(self) -> None:
        generated = self.model.generate(self._latents).numpy()
        tf.summary.scalar(
            DIVERSITY_TAG,
            mean_pairwise_distance(generated)
            / (mean_pairwise_distance(self.real_images) + 1e-12),
        )
        num_rows = max(len(self.real_images) // NUM_SHOWN, 1)
        real, generated = (
            image_grid(images[: num_rows * NUM_SHOWN], NUM_SHOWN)
            for images in (self.real_images, generated)
        )
        gap = np.ones([len(real), 12, real.shape[-1]], np.float32)
        tf.summary.image(
            "samples/real_left_generated_right",
            np.hstack([real, gap, generated])[None],
            description="Left: training images. Right: images of always the "
            "same latents.",
        )

    def _write_held_out(self) -> None:
        images = self.held_out_images
        reconstruct = self._reconstruct
        for tag, loss in (
            (HELD_OUT_TAG, held_out_losses.reconstruction_loss),
            (DENOISING_TAG, held_out_losses.denoising_loss),
        ):
            tf.summary.scalar(tag, loss(reconstruct, images))
        shown = images[:NUM_SHOWN]
        reconstructions = np.asarray(reconstruct(tf.constant(shown)))
        residuals = residual_image(shown, reconstructions)
        rows = np.stack([shown, reconstructions, residuals], axis=1)
        tf.summary.image(
            "held_out/real_reconstruction_residual",
            image_grid(rows.reshape(-1, *images.shape[1:]), 6)[None],
            description="Qualified images the training run does not see, two a "
            "row: image, reconstruction, residual (gray is none, amplified "
            f"{RESIDUAL_GAIN:g} times).",
        )

    def _write_histograms(self) -> None:
        tf.summary.histogram("latents/sampled", self._latents)
        if self.model.encoder is not None and len(self.held_out_images):
            encoded = self.model.encode(tf.constant(self.held_out_images))
            tf.summary.histogram("latents/held_out_images", encoded)
        for name in ("generator", "encoder", "discriminator"):
            network = getattr(self.model, name)
            for layer in network.layers if network is not None else ():
                for weight in layer.trainable_weights:
                    tag = f"weights_of_{name}/{layer.name}/{weight.name}"
                    tf.summary.histogram(tag, weight)
