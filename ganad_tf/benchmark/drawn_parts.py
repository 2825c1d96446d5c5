"""Drawn parts: small images of one qualified thing, and of a defective one."""

from __future__ import annotations

import os
import pathlib

import numpy as np
from PIL import Image

from ganad_tf.data import image_tensors


def make_parts(
    count: int, *, seed: int, size: int = 32, channels: int = 1
) -> np.ndarray:
    """Qualified parts: two bars in place, varying brightness, fine noise.

    Args:
        count: Number of parts.
        seed: Of brightness and noise.
        size: Side in pixels.
        channels: 1 or 3.

    Returns:
        parts: float32 of shape (count, size, size, channels) in [-1, 1].
    """
    generator = np.random.default_rng(seed)
    image = np.full([size, size, channels], 0.3)
    image[size // 4 : size // 4 + 3] = -0.5
    image[:, size // 2 : size // 2 + 3] = -0.2
    level = generator.normal(0.0, 0.1, [count, 1, 1, 1])
    noise = generator.normal(0.0, 0.03, [count, size, size, channels])
    return np.clip(image + level + noise, -1.0, 1.0).astype(np.float32)


def scratch(parts: np.ndarray) -> np.ndarray:
    """The same parts with a defect: a dark square in a corner."""
    defective = parts.copy()
    defective[:, 20:27, 4:11] = -0.9
    return defective


def write_images(
    folder: str | os.PathLike, images: np.ndarray, prefix: str = "part"
) -> None:
    """Writes PNG files.

    Args:
        folder: It is made if it is missing.
        images: As `make_parts` returns them.
        prefix: Of the names; a number follows.
    """
    os.makedirs(folder, exist_ok=True)
    for row, image in enumerate(image_tensors.to_uint8(images)):
        pixels = image[..., 0] if image.shape[-1] == 1 else image
        path = os.path.join(folder, f"{prefix}{row:03d}.png")
        Image.fromarray(pixels).save(path)


def write_mvtec(folder: str | os.PathLike) -> str:
    """Writes an MVTec-AD folder of parts with masks and control images.

    Args:
        folder: It is made.

    Returns:
        folder: The same.
    """
    root = pathlib.Path(folder)
    write_images(root / "train" / "good", make_parts(60, seed=0))
    write_images(root / "test" / "good", make_parts(8, seed=1))
    defective = scratch(make_parts(8, seed=2))
    write_images(root / "test" / "scratch", defective)
    masks = np.full([8, 32, 32, 1], -1.0)
    masks[:, 20:27, 4:11] = 1.0
    write_images(root / "ground_truth" / "scratch", masks)
    write_images(root / "control" / "good", make_parts(5, seed=3))
    return str(folder)
