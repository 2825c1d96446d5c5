"""Sample images: the first images of a role, in memory, loaded once.

The choices, the linear head, TensorBoard and the losses of held-out images
look at the same files; they share one copy of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ganad_tf.data import image_tensors
from ganad_tf.training.configuration import TrainingConfig

_BATCH_SIZE = 256  # images, before mirroring


class SampleImages:
    """The first images of a role, such as the training images.

    One size is kept in memory, the last that was asked for.

    Args:
        paths: Readable image files.
    """

    def __init__(self, paths: Sequence[str]):
        self.paths = list(paths)
        self.forget()

    def resized(
        self, limit: int, *, image_size: int, channels: int
    ) -> np.ndarray:
        """Returns images, resized to squares.

        Args:
            limit: How many at most.
            image_size: Side in pixels.
            channels: 1 or 3.

        Returns:
            images: float32 of shape (n, image_size, image_size, channels) in
                [-1, 1].
        """
        shape = {"image_size": image_size, "channels": channels}
        paths = self.paths[:limit]
        # A smaller limit takes the first of the images in memory.
        if shape != self._shape or len(self._images) < len(paths):
            self._shape = shape
            self._images = image_tensors.load_images(paths, **shape)
        return self._images[: len(paths)]

    def as_network_images(
        self, config: TrainingConfig, limit: int
    ) -> np.ndarray:
        """Returns images as the networks see them.

        Args:
            config: `TrainingConfig`.
            limit: How many at most.

        Returns:
            images: float32 of shape (n, size, size, channels) in [-1, 1], with
                size and channels of `config`.
        """
        return self.resized(
            limit, image_size=config.image_size, channels=config.channels
        )

    def forget(self) -> None:
        """Frees the memory; images are loaded again when asked for."""
        self._shape: dict[str, int] | None = None
        self._images = np.empty([0], np.float32)


def with_mirror_images(
    images: np.ndarray, *, left_right: bool, up_down: bool
) -> np.ndarray:
    """Appends mirror images.

    Args:
        images: Of shape (n, height, width, channels).
        left_right: Whether to mirror left-right; doubles the images.
        up_down: Whether to mirror up-down; doubles them again.

    Returns:
        images: The given ones and, behind them, their mirror images.

    Example:
    >>> images = np.arange(4).reshape(1, 2, 2, 1)
    >>> with_mirror_images(images, left_right=True, up_down=False)[1].tolist()
    [[[1], [0]], [[3], [2]]]
    """
    if left_right:
        images = np.concatenate([images, images[:, :, ::-1]])
    if up_down:
        images = np.concatenate([images, images[:, ::-1]])
    return images


class MirroredBatches:
    """Images with their mirror images, which are made batch by batch.

    Args:
        images: As of `with_mirror_images`.
        **flips: The same.

    Example:
    >>> batches = MirroredBatches(
    ...     np.zeros([300, 4, 4, 1]), left_right=True, up_down=True
    ... )
    >>> [len(batch) for batch in batches]
    [1024, 176]
    """

    def __init__(self, images: np.ndarray, **flips: bool):
        self._images = images
        self._flips = flips

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self._images), _BATCH_SIZE):
            batch = self._images[start : start + _BATCH_SIZE]
            yield with_mirror_images(batch, **self._flips)
