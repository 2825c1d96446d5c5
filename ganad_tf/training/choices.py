"""Choices: what images and recipe decide where the user does not."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import logging
from scipy import ndimage
from sklearn.decomposition import PCA

from ganad_tf.data import image_tensors
from ganad_tf.data.tiles import fitting_side
from ganad_tf.errors import UserError
from ganad_tf.gan import networks
from ganad_tf.recipes import Recipe
from ganad_tf.recipes import recipe_of
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.sample_images import SampleImages
from ganad_tf.training.sample_images import with_mirror_images

IMAGE_SIZE = 64
# Images that the choices look at.
MAX_IMAGES = 4096
# Training images whose principal components are computed; with their mirror
# images there are four times as many.
MAX_COMPONENT_IMAGES = 1024
# Least share of the variance of held-out images that latents have to explain.
MIN_EXPLAINED = 0.98
# Least share of the variance that the mean image explains if all images show
# the same part in the same place.
MIN_ALIGNMENT = 0.1
# Side of tiles in pixels if the images decide that there are tiles.
TILE_SIZE = 16
# Textures that would be shrunk by more than this factor are tiled.
MAX_REDUCTION = 2
# Value of `tile_size` for no tiles.
WHOLE = "whole"
# Fields of a configuration whose default is the recipe's.
_OF_RECIPE = (
    "width",
    "num_steps",
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
    aligned: bool | None = None,
    latent_dim: int | None = None,
    tile_size: int | str | None = None,
    tile_stride: int | None = None,
    resize: Sequence[int] | None = None,
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
        image_size: Side in pixels that whole images are resized to.
        channels: 1 for gray, 3 for RGB. None: as the files are.
        aligned: Whether every image shows the same part in the same place.
            None: decided by `is_aligned`.
        latent_dim: Length of a latent. None: the recipe's; where that leaves
            several, decided by `choose_latent_dim`.
        tile_size: Side of tiles in pixels, "whole" for no tiles. None: decided
            by `choose_field_size`.
        tile_stride: Pixels from one tile to the next. None: half a tile.
        resize: (height, width) in pixels of images that are cut into tiles.
            None: the median size of the training images.
        **settings: Further fields of `TrainingConfig`. None: the recipe's.

    Returns:
        config: `TrainingConfig`.

    Raises:
        UserError: If a value is out of its range, the method or an ablation is
            unknown, or gray and colour images are mixed.
    """
    without = tuple(sorted(set(without)))
    recipe = recipe_of(method).without(without)
    _check_side("image_size", image_size)
    channels = channels or image_tensors.color_channels(train.paths)
    whole = {"image_size": image_size, "channels": channels}
    if aligned is None:
        aligned = is_aligned(train.resized(MAX_IMAGES, **whole))
    field_size, side = None, image_size
    if recipe.tiles and tile_size != WHOLE:
        size = _checked_size(resize) or image_tensors.median_size(train.paths)
        tiled = {"tile_size": tile_size, "tile_stride": tile_stride}
        field_size = _resolve_field_size(size, aligned, image_size, **tiled)
        side = (tile_size or TILE_SIZE) if field_size else image_size
    if latent_dim is None:
        dims = _latent_dims(recipe, aligned=aligned, tiled=bool(field_size))
        latent_dim = _resolve_latent_dim(dims, train, held_out, **whole)
    return TrainingConfig(
        method=method,
        image_size=side,
        channels=channels,
        aligned=aligned,
        latent_dim=latent_dim,
        field_size=field_size,
        tile_stride=tile_stride or side // 2,
        without=without,
        **_with_recipe(recipe, settings),
    )


def is_aligned(images: np.ndarray) -> bool:
    """Decides whether images show the same part in the same place.

    Args:
        images: Qualified ones, floats of shape (n, height, width, channels).

    Returns:
        aligned: Whether the mean image explains at least `MIN_ALIGNMENT` of
            the images' variance, after shading coarser than a sixteenth of
            the side is subtracted from each image. The share is high for parts
            that lie in place, about 1 / n for textures.
    """
    sigma = images.shape[1] / 16
    shading = ndimage.gaussian_filter(images, (0, sigma, sigma, 0))
    detail = images - shading
    total = np.square(detail).mean() + 1e-12
    share = np.square(detail.mean(axis=0)).mean() / total
    aligned = bool(share >= MIN_ALIGNMENT)
    logging.info(
        "The mean image explains %.0f %% of the variance of the training "
        "images: they are treated as %s.",
        100 * share,
        "aligned parts" if aligned else "textures",
    )
    return aligned


def choose_latent_dim(
    train: np.ndarray, held_out: np.ndarray, latent_dims: Sequence[int]
) -> int:
    """Chooses the least latent dimension that held-out images need.

    Args:
        train: Training images, floats of shape (n, height, width, channels);
            principal components are those of the first
            `MAX_COMPONENT_IMAGES` and of their mirror images.
        held_out: Qualified images of shape (any n, height, width, channels).
        latent_dims: Dimensions to choose from, ascending.

    Returns:
        latent_dim: The least of `latent_dims` of which so many components
            explain `MIN_EXPLAINED` of the variance of `held_out`, or the
            largest.
    """
    train = with_mirror_images(
        train[:MAX_COMPONENT_IMAGES], left_right=True, up_down=True
    )
    pixels = train.reshape(len(train), -1)
    rank = min(max(latent_dims), len(pixels) - 1, pixels.shape[1])
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


def choose_field_size(
    size: tuple[int, int], *, aligned: bool, image_size: int, tile_stride: int
) -> tuple[int, int] | None:
    """Decides whether images are judged in tiles, and at what size.

    Args:
        size: Median (height, width) of the training images in pixels.
        aligned: Whether every image shows the same part in the same place.
        image_size: Side in pixels that whole images would be resized to.
        tile_stride: Pixels from one tile of `TILE_SIZE` to the next.

    Returns:
        field_size: (height, width) in pixels that tiles cover, nearest to
            `size`; None for whole images.
    """
    if aligned or min(size) <= MAX_REDUCTION * image_size:
        logging.info(
            "Images of %dx%d px are judged whole, at %d px: %s.",
            *size[::-1],
            image_size,
            "the parts are aligned"
            if aligned
            else "that keeps at least half of their resolution",
        )
        return None
    height, width = _covered_size(size, TILE_SIZE, tile_stride)
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


def _resolve_field_size(
    size: tuple[int, int],
    aligned: bool,
    image_size: int,
    *,
    tile_size: int | None,
    tile_stride: int | None,
) -> tuple[int, int] | None:
    side = tile_size or TILE_SIZE
    stride = tile_stride or side // 2
    _check_side("tile_size", side)
    if tile_size:
        field_size = _covered_size(size, tile_size, stride)
    else:
        field_size = choose_field_size(
            size, aligned=aligned, image_size=image_size, tile_stride=stride
        )
    if field_size and not 0 < stride <= side:
        raise UserError(
            "Invalid value for --tile_stride. Expected 1 to the tiles' side of "
            f"{side} pixels. Received: tile_stride={stride}"
        )
    return field_size


def _covered_size(
    size: tuple[int, int], tile_size: int, stride: int
) -> tuple[int, int]:
    height, width = (
        fitting_side(side, tile_size=tile_size, stride=stride) for side in size
    )
    return height, width


def _latent_dims(recipe: Recipe, *, aligned: bool, tiled: bool):
    """The latent dimensions that the images may choose from."""
    if tiled:
        return (recipe.tile_latent_dim,)
    if aligned:
        return recipe.aligned_latent_dims
    return (recipe.texture_latent_dim,)


def _resolve_latent_dim(
    dims: Sequence[int], train: SampleImages, held_out: SampleImages, **whole
) -> int:
    if len(dims) == 1:
        return dims[0]
    return choose_latent_dim(
        train.resized(MAX_IMAGES, **whole),
        held_out.resized(MAX_IMAGES, **whole),
        dims,
    )


def _with_recipe(recipe: Recipe, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that are not None, over the recipe's values."""
    given = {name: v for name, v in settings.items() if v is not None}
    return {name: getattr(recipe, name) for name in _OF_RECIPE} | given


def _check_side(name: str, side: int) -> None:
    if side not in networks.IMAGE_SIZES:
        raise UserError(
            f"Invalid value for --{name}. Expected one of "
            f"{networks.IMAGE_SIZES} pixels. Received: {name}={side}"
        )


def _checked_size(resize: Sequence[int] | None) -> tuple[int, int] | None:
    """`resize` as two positive integers, or None."""
    if resize is None:
        return None
    size = tuple(resize)
    if len(size) != 2 or not all(isinstance(x, int) and x > 0 for x in size):
        raise UserError(
            "Invalid value for --resize. Expected height,width in pixels, such "
            f"as 512,768. Received: {','.join(map(str, size))}"
        )
    return size
