"""Choices: what images and recipe decide where the user does not."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import logging
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from ganad_tf.data import image_tensors
from ganad_tf.errors import UserError
from ganad_tf.gan import networks
from ganad_tf.gan.unet_discriminator import STRIDE
from ganad_tf.recipes import Recipe
from ganad_tf.recipes import recipe_of
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.sample_images import SampleImages
from ganad_tf.training.sample_images import with_mirror_images

IMAGE_SIZE = 64
# Short side in pixels that images are reduced to for the field, and the largest
# ratio of the long side to it.
RESOLUTION = 256
MAX_ASPECT = 4
# How well mirror images of held-out images may be told from them, as AUROC of
# their reconstruction errors, for mirror images to be trained.
MAX_MIRROR_AUROC = 0.6
# Principal components that this is judged by.
_MIRROR_COMPONENTS = 64
# Images of each role that the choices look at; with their mirror images there
# are four times as many.
MAX_IMAGES = 1024
# Least share of the variance of held-out images that latents have to explain.
MIN_EXPLAINED = 0.98
# Fields of a configuration whose default is the recipe's.
_OF_RECIPE = (
    "width",
    "num_steps",
    "field_steps",
    "batch_size",
    "learning_rate",
    "discriminator_learning_rate",
)


def resolve(
    train: SampleImages,
    held_out: SampleImages,
    *,
    method: str = "joint",
    without: Iterable[str] = (),
    image_size: int = IMAGE_SIZE,
    channels: int | None = None,
    latent_dim: int | None = None,
    resolution: int = RESOLUTION,
    horizontal_flip: bool | None = None,
    vertical_flip: bool | None = None,
    **settings: Any,
) -> TrainingConfig:
    """Completes a user's overrides to the configuration of a training run.

    What is None is chosen by the images or by the method's recipe. The log
    says what the images chose, and why.

    Args:
        train: Training images.
        held_out: Qualified images that the training run does not see.
        method: Name of a recipe.
        without: Ablations of the recipe.
        image_size: Side in pixels that images are resized to.
        channels: 1 for gray, 3 for RGB. None: as the files are.
        latent_dim: Length of a latent. None: the recipe's; where that leaves
            several, decided by `choose_latent_dim`.
        resolution: Short side in pixels of the field's images, at most.
        horizontal_flip: Whether to train on images mirrored left-right. None:
            decided by `may_mirror`.
        vertical_flip: The same of images mirrored up-down.
        **settings: Further fields of `TrainingConfig`. None: the recipe's.

    Returns:
        config: `TrainingConfig`.

    Raises:
        UserError: If a value is out of its range, the method or an ablation is
            unknown, or gray and colour images are mixed.
    """
    without = tuple(sorted(set(without)))
    recipe = recipe_of(method).without(without)
    _check_side(image_size)
    channels = channels or image_tensors.color_channels(train.paths)
    shape = {"image_size": image_size, "channels": channels}
    if latent_dim is None:
        latent_dim = _resolve_latent_dim(
            recipe.latent_dims, train, held_out, **shape
        )
    flips = {"left-right": horizontal_flip, "up-down": vertical_flip}
    if None in flips.values():
        mirrored = may_mirror(
            train.resized(MAX_IMAGES, **shape),
            held_out.resized(MAX_IMAGES, **shape),
        )
        flips = {
            axis: mirrored[axis] if asked is None else asked
            for axis, asked in flips.items()
        }
    settings = _with_recipe(recipe, settings)
    field_size = None
    if settings["field_steps"]:
        field_size = choose_field_size(
            image_tensors.median_size(train.paths), resolution
        )
    return TrainingConfig(
        method=method,
        **shape,
        latent_dim=latent_dim,
        field_size=field_size,
        horizontal_flip=flips["left-right"],
        vertical_flip=flips["up-down"],
        without=without,
        **settings,
    )


def choose_field_size(
    size: tuple[int, int], resolution: int = RESOLUTION
) -> tuple[int, int]:
    """The size at which the U-Net discriminator sees images.

    The aspect is kept, within a cell's side; images are never enlarged but to
    a full cell.

    Args:
        size: Median (height, width) of the training images in pixels.
        resolution: Short side in pixels, at most; the long side is at most
            `MAX_ASPECT` times it.

    Returns:
        field_size: (height, width) in pixels, multiples of `STRIDE`.

    Raises:
        UserError: If the resolution is below `STRIDE`.

    Example:
    >>> choose_field_size((1260, 500))
    (640, 256)
    """
    if resolution < STRIDE:
        raise UserError(
            f"Invalid value for --resolution. Expected at least {STRIDE} "
            f"pixels. Received: resolution={resolution}"
        )
    factor = min(
        1.0, resolution / min(size), MAX_ASPECT * resolution / max(size)
    )
    height, width = (
        max(round(side * factor / STRIDE), 1) * STRIDE for side in size
    )
    return height, width


def may_mirror(train: np.ndarray, held_out: np.ndarray) -> dict[str, bool]:
    """Whether mirror images of qualified images are qualified, too.

    Printed, wired or otherwise handed parts have no mirror image among good
    parts; a model that was trained on mirror images would not see a part that
    lies the wrong way round, and would spend its capacity on them.

    Args:
        train: Training images, floats of shape (n, height, width, channels).
        held_out: Qualified images of shape (any n, height, width, channels).

    Returns:
        may: For "left-right" and "up-down", whether principal components of
            `train` reconstruct mirrored `held_out` images about as well as
            `held_out` images: the AUROC is at most `MAX_MIRROR_AUROC`.
    """
    pixels = train.reshape(len(train), -1)
    # Far fewer components than images: with as many, they would reconstruct
    # the training images alone.
    rank = max(min(_MIRROR_COMPONENTS, len(pixels) // 4), 1)
    pca = PCA(rank, svd_solver="randomized", random_state=0).fit(pixels)

    def errors(images: np.ndarray) -> np.ndarray:
        flat = images.reshape(len(images), -1)
        rest = flat - pca.inverse_transform(pca.transform(flat))
        return np.square(rest).mean(axis=1)

    labels = np.repeat([0, 1], len(held_out))
    mirrored = {
        "left-right": held_out[:, :, ::-1],
        "up-down": held_out[:, ::-1],
    }
    aurocs = {
        axis: roc_auc_score(labels, np.r_[errors(held_out), errors(images)])
        for axis, images in mirrored.items()
    }
    may = {axis: value <= MAX_MIRROR_AUROC for axis, value in aurocs.items()}
    logging.info(
        "Held-out qualified images are told from their mirror images with an "
        "AUROC of %s; up to %g, the model is trained on mirror images, too.",
        ", ".join(f"{v:.2f} ({axis})" for axis, v in aurocs.items()),
        MAX_MIRROR_AUROC,
    )
    return {axis: bool(value) for axis, value in may.items()}


def choose_latent_dim(
    train: np.ndarray, held_out: np.ndarray, latent_dims: Sequence[int]
) -> int:
    """Chooses the least latent dimension that held-out images need.

    Args:
        train: Training images, floats of shape (n, height, width, channels);
            principal components are those of them and of their mirror images.
        held_out: Qualified images of shape (any n, height, width, channels).
        latent_dims: Dimensions to choose from, ascending.

    Returns:
        latent_dim: The least of `latent_dims` that is enough: as many
            components explain `MIN_EXPLAINED` of the variance of `held_out`.
            The largest if none is; of few training images as many as they
            have components.
    """
    train = with_mirror_images(train, left_right=True, up_down=True)
    pixels = train.reshape(len(train), -1)
    rank = min(max(latent_dims), len(pixels) - 1, pixels.shape[1])
    if rank < min(latent_dims):
        logging.info(
            "Latents have %d dimensions: %d images have no more components.",
            rank,
            len(pixels),
        )
        return rank
    pca = PCA(rank, svd_solver="randomized", random_state=0).fit(pixels)
    held_out = held_out.reshape(len(held_out), -1)
    energies = np.square(pca.transform(held_out)).sum(axis=0).cumsum()
    shares = energies / (np.square(held_out - pca.mean_).sum() + 1e-12)
    explained = {dim: shares[min(dim, rank) - 1] for dim in latent_dims}
    enough = [dim for dim in latent_dims if explained[dim] >= MIN_EXPLAINED]
    chosen = enough[0] if enough else max(latent_dims)
    logging.info(
        "Latents have %d dimensions: of the variance of held-out qualified "
        "images, principal components explain %s.",
        chosen,
        ", ".join(f"{100 * s:.1f} % with {d}" for d, s in explained.items()),
    )
    return chosen


def _resolve_latent_dim(
    dims: Sequence[int], train: SampleImages, held_out: SampleImages, **shape
) -> int:
    if len(dims) == 1:
        return dims[0]
    return choose_latent_dim(
        train.resized(MAX_IMAGES, **shape),
        held_out.resized(MAX_IMAGES, **shape),
        dims,
    )


def _with_recipe(recipe: Recipe, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that are not None, over the recipe's values."""
    given = {name: v for name, v in settings.items() if v is not None}
    return {name: getattr(recipe, name) for name in _OF_RECIPE} | given


def _check_side(image_size: int) -> None:
    if image_size not in networks.IMAGE_SIZES:
        raise UserError(
            "Invalid value for --image_size. Expected one of "
            f"{networks.IMAGE_SIZES} pixels. Received: image_size={image_size}"
        )
