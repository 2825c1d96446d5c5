"""Pictures of all test images on disk, until the report has chosen a few."""

from __future__ import annotations

import errno
import math
import os
import tempfile
from typing import NamedTuple

import numpy as np

# Largest side in pixels of a picture; the report shows none larger.
MAX_SIDE = 256


class Picture(NamedTuple):
    """An image, and what the detector showed of it."""

    image: np.ndarray  # (height, width, channels) in [-1, 1]
    reconstruction: np.ndarray  # (height, width, channels) in [-1, 1]
    anomaly_map: np.ndarray  # (height, width), 1 is rare


class PictureFile:
    """Images, reconstructions and anomaly maps, a row for each image.

    Which images the report shows depends on the scores of all. The pictures of
    all would fill the memory, to read and invert the few once more would take
    time, so they wait in a temporary file that vanishes with this object.

    Args:
        image_shape: (height, width, channels) of the images.

    Example:
    >>> pictures = PictureFile((2, 2, 1))
    >>> gray = np.ones([1, 2, 2, 1])
    >>> pictures.append(gray, gray, np.zeros([1, 2, 2]))
    >>> pictures[0].reconstruction.shape
    (2, 2, 1)
    """

    def __init__(self, image_shape: tuple[int, int, int]):
        height, width, channels = image_shape
        self._channels = channels
        self._step = -(-max(height, width) // MAX_SIDE)
        size = (-(-side // self._step) for side in (height, width))
        self._shape = (*size, 2 * channels + 1)
        self._num_bytes = 4 * math.prod(self._shape)
        # Not mapped: its pages would count as memory of the process.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, as long as self
        self._count = 0

    def append(
        self,
        images: np.ndarray,
        reconstructions: np.ndarray,
        anomaly_maps: np.ndarray,
    ) -> None:
        """Writes the next rows.

        Args:
            images: Floats of shape (n, height, width, channels).
            reconstructions: Floats of the same shape.
            anomaly_maps: Floats of shape (n, height, width).
        """
        parts = (images, reconstructions, anomaly_maps[..., None])
        reduced = [part[:, :: self._step, :: self._step] for part in parts]
        for row in np.concatenate(reduced, axis=-1):
            self._write(np.ascontiguousarray(row, np.float32).tobytes())

    def _write(self, content: bytes) -> None:
        start = self._count * self._num_bytes
        written = os.pwrite(self._file.fileno(), content, start)
        if written < len(content):  # what was left on the disk
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._count += 1

    def __getitem__(self, row: int) -> Picture:
        start = row * self._num_bytes
        content = os.pread(self._file.fileno(), self._num_bytes, start)
        picture = np.frombuffer(content, np.float32).reshape(self._shape)
        parts = np.split(picture, [self._channels, -1], axis=-1)
        image, reconstruction, anomaly_map = parts
        return Picture(image, reconstruction, anomaly_map[..., 0])
