"""Pictures of all test images on disk, until the report has chosen a few."""

from __future__ import annotations

import tempfile
from typing import NamedTuple

import numpy as np

# Largest side in pixels of a picture; the report shows none larger.
MAX_SIDE = 256


class Picture(NamedTuple):
    """What the detector showed of one image."""

    reconstruction: np.ndarray  # (height, width, channels) in [-1, 1]
    anomaly_map: np.ndarray  # (height, width), 1 is rare


class PictureFile:
    """Reconstructions and anomaly maps, a row for each image.

    Which images the report shows depends on the scores of all. The pictures of
    all would fill the memory and a second inversion of the few would take
    time, so they wait in a temporary file that vanishes with this object.

    Args:
        num_images: Rows.
        image_shape: (height, width, channels) of the images.

    Example:
    >>> pictures = PictureFile(1, (2, 2, 1))
    >>> pictures.append(np.ones([1, 2, 2, 1]), np.zeros([1, 2, 2]))
    >>> pictures[0].reconstruction.shape
    (2, 2, 1)
    """

    def __init__(self, num_images: int, image_shape: tuple[int, int, int]):
        height, width, channels = image_shape
        self._step = -(-max(height, width) // MAX_SIDE)
        size = (-(-side // self._step) for side in (height, width))
        with tempfile.TemporaryFile() as file:
            # The mapping outlives the open file.
            self._rows = np.memmap(
                file, np.float32, "w+", shape=(num_images, *size, channels + 1)
            )
        self._count = 0

    def append(
        self, reconstructions: np.ndarray, anomaly_maps: np.ndarray
    ) -> None:
        """Writes the next rows.

        Args:
            reconstructions: Floats of shape (n, height, width, channels).
            anomaly_maps: Floats of shape (n, height, width).
        """
        rows = slice(self._count, self._count + len(anomaly_maps))
        self._rows[rows, ..., :-1] = self.reduced(reconstructions)
        self._rows[rows, ..., -1] = self.reduced(anomaly_maps)
        self._count = rows.stop

    def reduced(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures at a stride that lets no side exceed `MAX_SIDE` pixels.

        Args:
            pictures: Array of shape (n, height, width, ...).
        """
        return pictures[:, :: self._step, :: self._step]

    def __getitem__(self, row: int) -> Picture:
        picture = np.array(self._rows[row])
        return Picture(picture[..., :-1], picture[..., -1])
