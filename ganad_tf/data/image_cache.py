"""Decoded images on disk, read again in any order."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import logging


class ImageCache:
    """Float images of one shape, each kept after it was decoded once.

    They lie in a temporary file without a name: memory holds none of them, the
    system keeps in its own cache what there is room for, and nothing stays
    behind, even if the process is killed. Where the disk has no room, images
    are not kept, and are decoded again.

    Args:
        count: Number of images.
        shape: Of each image, such as (height, width, channels).

    Example:
    >>> cache = ImageCache(2, (2, 1))
    >>> cache.keep(1, np.float32([[3], [4]]))
    >>> cache.get(0).size, cache.get(1).ravel().tolist()
    (0, [3.0, 4.0])
    """

    def __init__(self, count: int, shape: tuple[int, ...]):
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, as long as self
        self._shape = shape
        self._num_bytes = 4 * int(np.prod(shape))
        self._is_kept = np.zeros(count, bool)
        self._is_full = False

    def get(self, row: int) -> np.ndarray:
        """An image as float32, or an empty array if it is not kept."""
        if not self._is_kept[row]:
            return np.empty(0, np.float32)
        start = int(row) * self._num_bytes
        content = os.pread(self._file.fileno(), self._num_bytes, start)
        return np.frombuffer(content, np.float32).reshape(self._shape)

    def keep(self, row: int, image: np.ndarray) -> None:
        """Keeps an image, if there is room."""
        if self._is_kept[row] or self._is_full:
            return
        content = np.ascontiguousarray(image, np.float32).tobytes()
        try:
            start = int(row) * self._num_bytes
            written = os.pwrite(self._file.fileno(), content, start)
        except OSError as error:
            written = 0
            logging.warning(
                "Decoded images are not kept in %s (%s), so training decodes "
                "them again and again. TMPDIR names another folder.",
                tempfile.gettempdir(),
                error.strerror,
            )
        self._is_full = written < len(content)
        self._is_kept[row] = not self._is_full


def cached_images(
    rows: tf.data.Dataset,
    count: int,
    shape: tuple[int, int, int],
    *,
    read: Callable[[int], bytes],
    decode: Callable[[tf.Tensor], tf.Tensor],
) -> tf.data.Dataset:
    """The images of numbers of files, in their order, decoded in parallel.

    Files and cache are read and written one after the other: determinism
    forbids TensorFlow to run Python functions in parallel.

    Args:
        rows: int32 scalars, numbers of files.
        count: Numbers are below it.
        shape: (height, width, channels) of each image.
        read: From the number of a file to its bytes.
        decode: From a string scalar to float32 of that shape, by operations
            of TensorFlow.

    Returns:
        images: float32 of that shape, decoded once and then kept.
    """
    cache = ImageCache(count, shape)

    def recall(row: np.ndarray) -> tuple[np.ndarray, bytes]:
        kept = cache.get(row)
        return kept, b"" if kept.size else read(row)

    def decoded(row, kept, image_bytes):
        image = tf.cond(
            tf.size(kept) > 0,
            lambda: tf.reshape(kept, shape),
            lambda: decode(image_bytes),
        )
        return row, image

    def keep(row: np.ndarray, image: np.ndarray) -> np.ndarray:
        cache.keep(row, image)
        return image

    types = (tf.float32, tf.string)
    recalled = rows.map(
        lambda row: (row, *tf.numpy_function(recall, [row], types))
    )
    images = recalled.map(decoded, num_parallel_calls=os.cpu_count())
    return images.map(
        lambda *given: tf.ensure_shape(
            tf.numpy_function(keep, given, tf.float32), shape
        )
    )
