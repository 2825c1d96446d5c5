"""Monitoring: what TensorBoard shows of a training while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.spatial import distance

from ganad_tf import recipes
from ganad_tf.gan import corruptions
from ganad_tf.gan import pyramid
from ganad_tf.gan.inversion import LatentInverter

# Images of each kind that pictures show, and that numbers are taken over.
NUM_SHOWN = 8
NUM_MEASURED = 64
# How much stronger than the image its residual is drawn.
RESIDUAL_GAIN = 4.0
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
    """How different images are: mean distance over all pairs of them.

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


def image_grid(images: np.ndarray, num_columns: int) -> np.ndarray:
    """Images side by side in rows, with white lines between them.

    Args:
        images: Floats of shape (n, height, width, channels) in [-1, 1].
        num_columns: Images a row; missing ones in the last row stay white.

    Returns:
        grid: float32 of shape (grid height, grid width, channels) in [0, 1].

    Example:
    >>> image_grid(np.zeros([5, 30, 30, 1]), 4).shape
    (64, 128, 1)
    """
    cells = np.clip((np.asarray(images, np.float32) + 1.0) / 2.0, 0.0, 1.0)
    cells = np.pad(
        cells,
        [(0, -len(cells) % num_columns), (1, 1), (1, 1), (0, 0)],
        constant_values=1.0,
    )
    count, height, width, channels = cells.shape
    rows = cells.reshape(-1, num_columns, height, width, channels)
    rows = rows.transpose(0, 2, 1, 3, 4)
    return rows.reshape(-1, num_columns * width, channels)


def residual_image(images: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`images - other`, `RESIDUAL_GAIN` times as strong around mid-gray."""
    return np.clip(RESIDUAL_GAIN * (images - other), -1.0, 1.0)


def make_reconstruct(gan: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """The function that gives back images as the GAN at hand can make them.

    Args:
        gan: `DCGAN`.

    Returns:
        reconstruct: From images (batch, height, width, channels) to images of
            the same shape: through the encoder, or, without one, by the
            paper's gradient descent from the prior's mean.
    """
    if gan.encoder is not None:
        return tf.function(lambda images: gan(images))
    inverter = LatentInverter(
        gan.generate, **dataclasses.asdict(recipes.PAPER.inversion)
    )
    return lambda images: (
        inverter.invert(images, gan.encode(images)).reconstructions
    )


def reconstruction_loss(
    reconstruct: Callable[[tf.Tensor], tf.Tensor],
    images: np.ndarray,
    *,
    seen: np.ndarray | None = None,
) -> float:
    """Mean Laplacian-pyramid L1 between images and reconstructions.

    Args:
        reconstruct: As `make_reconstruct` gives it.
        images: float32 of shape (n, height, width, channels) in [-1, 1].
        seen: What is reconstructed, of the same shape; `images` by default.

    Returns:
        loss: Scalar, 0 where every image is given back.
    """
    seen = images if seen is None else seen
    num_batches = -(-len(images) // NUM_MEASURED)
    losses = [
        pyramid.laplacian_pyramid_l1(
            tf.constant(batch), reconstruct(tf.constant(batch_seen))
        )
        for batch, batch_seen in zip(
            np.array_split(images, num_batches),
            np.array_split(seen, num_batches),
            strict=True,
        )
    ]
    return float(np.concatenate(losses).mean())


def denoising_loss(
    reconstruct: Callable[[tf.Tensor], tf.Tensor], images: np.ndarray
) -> float:
    """`reconstruction_loss` of images that are seen with synthetic defects.

    Args:
        reconstruct: As `make_reconstruct` gives it.
        images: float32 of shape (n, size, size, channels) in [-1, 1]. Their
            defects are always the same.

    Returns:
        loss: The number by which trainings may be compared. Over held-out
            qualified images it knows of no real defect; least is that of a
            model which gives back what is good and leaves out what is not.
    """
    seen = corruptions.corrupt(
        tf.constant(images), seed=tf.constant([0, 0]), at_least=1
    )
    return reconstruction_loss(reconstruct, images, seen=seen.numpy())


class TrainingMonitor(keras.callbacks.Callback):
    """Writes a training to TensorBoard: numbers, pictures, histograms, text.

    Every epoch writes scalars, grouped by tags; every few epochs, and the
    last, write pictures and histograms, always of the same latents and
    images. The horizontal axis is the step, so a resumed training goes on
    where its curves ended.

    Args:
        log_dir: Folder of the event file, TensorBoard's run.
        real_images: Training images, float32 of shape (n, height, width,
            channels) in [-1, 1].
        held_out_images: Qualified images that the training does not see, of
            the same shape; may be empty.
        text: Markdown of the text page: settings, versions, data.
        pictures_every: Epochs from one set of pictures to the next.
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
        self._reconstruct = make_reconstruct(self.model)
        self._latents = self.model.sample_latents(
            NUM_MEASURED, seed=tf.constant([self.model.seed, 0])
        )
        with self._writer.as_default(int(self.model.step)):
            tf.summary.text("training/settings_and_data", self.text)

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        last = epoch + 1 >= self.params["epochs"]
        with self._writer.as_default(int(self.model.step)):
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
        shown = (
            min(NUM_MEASURED, len(self.real_images)) // NUM_SHOWN * NUM_SHOWN
        )
        grids = [
            image_grid(images[: shown or None], NUM_SHOWN)
            for images in (self.real_images, generated)
        ]
        height = min(len(grid) for grid in grids)
        gap = np.ones([height, 12, grids[0].shape[-1]], np.float32)
        tf.summary.image(
            "samples/real_left_generated_right",
            np.hstack([grids[0][:height], gap, grids[1][:height]])[None],
            description="Left: training images. Right: images of always the "
            "same latents.",
        )

    def _write_held_out(self) -> None:
        images = self.held_out_images
        tf.summary.scalar(
            HELD_OUT_TAG, reconstruction_loss(self._reconstruct, images)
        )
        tf.summary.scalar(
            DENOISING_TAG, denoising_loss(self._reconstruct, images)
        )
        shown = images[:NUM_SHOWN]
        reconstructions = np.asarray(self._reconstruct(tf.constant(shown)))
        residuals = residual_image(shown, reconstructions)
        rows = np.stack([shown, reconstructions, residuals], axis=1)
        tf.summary.image(
            "held_out/real_reconstruction_residual",
            image_grid(rows.reshape(-1, *images.shape[1:]), 6)[None],
            description="Qualified images the training does not see, two a "
            "row: image, reconstruction, residual (gray is none, "
            f"{RESIDUAL_GAIN:g} times as strong).",
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
