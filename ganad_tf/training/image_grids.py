"""Image grids: many images as one picture."""

from __future__ import annotations

import numpy as np

# Amplification of residuals against the image beside them.
RESIDUAL_GAIN = 4.0


def image_grid(images: np.ndarray, num_columns: int) -> np.ndarray:
    """Arranges images in rows, with white lines between them.

    Args:
        images: Floats of shape (n, height, width, channels) in [-1, 1].
        num_columns: Images per row; missing ones in the last row stay white.

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


def residual_image(
    images: np.ndarray, reconstructions: np.ndarray
) -> np.ndarray:
    """Residuals as images, amplified `RESIDUAL_GAIN` times; mid-gray is none.

    Args:
        images: Floats of any shape in [-1, 1].
        reconstructions: Floats of the same shape in [-1, 1].

    Returns:
        residuals: Floats of the same shape, clipped to [-1, 1].
    """
    return np.clip(RESIDUAL_GAIN * (images - reconstructions), -1.0, 1.0)
