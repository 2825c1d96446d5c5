"""Losses of held-out qualified images: they compare training runs.

No defective image is needed: the denoising loss asks how well a model removes
synthetic defects from images that the training run has not seen.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ganad_tf import artifacts
from ganad_tf.gan import corruptions
from ganad_tf.gan import pyramid
from ganad_tf.gan.inversion import LatentInverter
from ganad_tf.recipes import PAPER

# Figures of one training run, in its model folder.
RESULT_NAME = "training.json"
RECONSTRUCTION_LOSS = "held_out_reconstruction_loss"
DENOISING_LOSS = "held_out_denoising_loss"
_BATCH_SIZE = 64


def make_reconstruct(gan: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function that reconstructs images as a GAN does.

    Args:
        gan: `DCGAN`.

    Returns:
        reconstruct: From images (batch, height, width, channels) to images of
            the same shape: through the encoder, or, without one, by the
            paper's gradient descent from the prior's mean.
    """
    if gan.encoder is not None:
        return tf.function(lambda images: gan(images))
    descent = dataclasses.asdict(PAPER.inversion)
    inverter = LatentInverter(gan.generate, **descent)
    return lambda images: (
        inverter.invert(images, gan.encode(images)).reconstructions
    )


def reconstruction_loss(
    reconstruct: Callable[[tf.Tensor], tf.Tensor],
    images: np.ndarray,
    *,
    inputs: np.ndarray | None = None,
) -> float:
    """Mean Laplacian-pyramid L1 between images and reconstructions.

    Args:
        reconstruct: As `make_reconstruct` returns it.
        images: float32 of shape (n, height, width, channels) in [-1, 1].
        inputs: Images to reconstruct, of the same shape; default: `images`.

    Returns:
        loss: Scalar, 0 where every image is reconstructed exactly.
    """
    inputs = images if inputs is None else inputs
    # Batches of nearly equal size: at most two shapes to trace.
    num_batches = -(-len(images) // _BATCH_SIZE)
    losses = [
        pyramid.laplacian_pyramid_l1(
            tf.constant(targets), reconstruct(tf.constant(batch))
        )
        for targets, batch in zip(
            np.array_split(images, num_batches),
            np.array_split(inputs, num_batches),
            strict=True,
        )
    ]
    return float(np.concatenate(losses).mean())


def denoising_loss(
    reconstruct: Callable[[tf.Tensor], tf.Tensor], images: np.ndarray
) -> float:
    """`reconstruction_loss` where the inputs have synthetic defects.

    Least is the loss of a model that reconstructs what is qualified and
    removes what is not.

    Args:
        reconstruct: As `make_reconstruct` returns it.
        images: float32 of shape (n, size, size, channels) in [-1, 1]. Every
            image has at least one defect, the same in every call.

    Returns:
        loss: Scalar.
    """
    corrupted = corruptions.corrupt(
        tf.constant(images), seed=tf.constant([0, 0]), at_least=1
    )
    return reconstruction_loss(reconstruct, images, inputs=corrupted.numpy())


def training_result(
    gan: keras.Model, held_out_images: np.ndarray
) -> dict[str, float]:
    """The figures by which training runs are compared.

    Args:
        gan: The trained `DCGAN`, as `loop.train` returns it.
        held_out_images: Qualified images that the training run has not seen,
            float32 of shape (n, height, width, channels) in [-1, 1].

    Returns:
        result: `held_out_reconstruction_loss`, `held_out_denoising_loss`, and
            `training_images_per_second` if this process has trained the GAN.
    """
    reconstruct = make_reconstruct(gan)
    result = {
        RECONSTRUCTION_LOSS: reconstruction_loss(reconstruct, held_out_images),
        DENOISING_LOSS: denoising_loss(reconstruct, held_out_images),
    }
    history = getattr(gan, "history", None)
    if history is not None and "images_per_second" in history.history:
        result["training_images_per_second"] = float(
            np.median(history.history["images_per_second"])
        )
    return result


def read_result(model_dir: str) -> dict[str, float]:
    """Reads figures by name from `training.json`; empty if there is none.

    Raises:
        UserError: If the file is not JSON.
    """
    path = os.path.join(model_dir, RESULT_NAME)
    if not os.path.exists(path):
        return {}
    return artifacts.read_json(path, made_by="train_gan.py")


def write_result(model_dir: str, result: dict[str, float]) -> None:
    """Writes `training.json`, figures by name."""
    artifacts.write_json(os.path.join(model_dir, RESULT_NAME), result)
