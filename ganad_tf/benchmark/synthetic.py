"""Synthetic images, and models fitted to them, so that no data set is needed.

Speed does not depend on what an image shows, so noise will do. Where scores
count, a program draws parts.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import numpy as np
from PIL import Image

from ganad_tf.detector import detector
from ganad_tf.detector.feature_field import FeatureField
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.unet_discriminator import build_unet_discriminator
from ganad_tf.training import building
from ganad_tf.training import loop
from ganad_tf.training.configuration import TrainingConfig

# Arguments of the input pipeline for the images of `write_pngs`.
IMAGE_FORMAT = {"image_size": 64, "channels": 1}


def noise(count: int, height: int = 64, width: int = 64) -> np.ndarray:
    """Uniform noise: float32 of shape (count, height, width, 1) in [-1, 1]."""
    generator = np.random.default_rng(0)
    values = generator.uniform(-1, 1, [count, height, width, 1])
    return values.astype(np.float32)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encodes a gray image, uint8 of shape (height, width), as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def noise_pngs(
    count: int, height: int = 64, width: int = 64
) -> Iterator[bytes]:
    """Yields different gray PNG images of noise, encoded."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        yield encode_png(generator.integers(0, 256, [height, width], np.uint8))


def write_pngs(folder: str, count: int) -> list[str]:
    """Writes `count` gray 64x64 PNG images of noise; returns their paths."""
    paths = [os.path.join(folder, f"{row:06d}.png") for row in range(count)]
    for path, png in zip(paths, noise_pngs(count), strict=True):
        with open(path, "wb") as file:
            file.write(png)
    return paths


def build_gan(images: np.ndarray | None = None, **changes) -> DCGAN:
    """A GAN of the default sizes for 64x64 gray images.

    Its linear head is fitted without mirror images: they would cost time and
    change nothing.

    Args:
        images: What the linear head is fitted to, float32 of shape (count,
            image_size, image_size, 1) in [-1, 1]; None for noise.
        **changes: Fields of `TrainingConfig` that differ.
    """
    values = {
        "method": "joint",
        "image_size": 64,
        "channels": 1,
        "latent_dim": 256,
        "width": 16,
        "num_steps": 10**6,
        "horizontal_flip": False,
        "vertical_flip": False,
    }
    config = TrainingConfig(**{**values, **changes})
    gan = building.build_gan(config)
    if images is None:
        images = noise(300, config.image_size, config.image_size)
    loop.fit_linear_head(gan, images, config)
    return gan


def fit_detector(gan: DCGAN, **inversion) -> detector.OneClassDetector:
    """A detector with default choices, fitted to noise.

    Args:
        gan: GAN of `build_gan`.
        **inversion: Arguments of the inversion that differ, such as num_steps.
    """
    unfitted = detector.build_detector(
        gan, method="joint", alpha=0.05, **inversion
    )
    height, width, _ = unfitted.image_shape
    batches = [noise(64, height, width)]
    return unfitted.fit(batches, batches)


def fit_small_detector(
    training: np.ndarray, calibration: np.ndarray
) -> detector.OneClassDetector:
    """A small detector with all parts of the score; its networks are untrained.

    Args:
        training: float32 of shape (count, side, side, 1) in [-1, 1].
        calibration: The same, of other images, at least 19.
    """
    side = training.shape[1]
    gan = build_gan(training, image_size=side, latent_dim=16, width=8)
    unet = build_unet_discriminator(channels=1, width=8)
    field = FeatureField(unet, image_size=(side, side), latent_dim=8)
    unfitted = detector.build_detector(
        gan, method="joint", alpha=0.05, field=field
    )
    return unfitted.fit([training], [calibration])
