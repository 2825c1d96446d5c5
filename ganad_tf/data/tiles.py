"""Tiles: large images as overlapping squares of the network's size."""

from __future__ import annotations

import tensorflow as tf

from ganad_tf.errors import UserError


class TileGrid:
    """Overlapping tiles that cover an image, and the way back.

    A grid of one tile is the whole image.

    Args:
        height: Height of the images in pixels.
        width: Width of the images in pixels.
        tile_size: Side of a tile in pixels.
        stride: Pixels from one tile to the next.

    Attributes:
        num_rows: Tiles from top to bottom.
        num_columns: Tiles from left to right.

    Raises:
        UserError: If the stride is not in 1 to `tile_size`.
        ValueError: If the tiles do not cover the images exactly; they do for
            sides by `fitting_side`.

    Example:
    >>> grid = TileGrid(64, 48, tile_size=32, stride=16)
    >>> tiles = grid.split(tf.ones([2, 64, 48, 1]))
    >>> tiles.shape, grid.stitch(tiles).shape
    (TensorShape([2, 3, 2, 32, 32, 1]), TensorShape([2, 64, 48, 1]))
    """

    def __init__(self, height: int, width: int, *, tile_size: int, stride: int):
        if not 0 < stride <= tile_size:
            raise UserError(
                "Invalid value for argument `stride`. Expected 1 to "
                f"tile_size={tile_size}. Received: stride={stride}"
            )
        for name, side in (("height", height), ("width", width)):
            if side != fitting_side(side, tile_size=tile_size, stride=stride):
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected tile_size "
                    f"+ k * stride = {tile_size} + k * {stride}. Received: "
                    f"{name}={side}"
                )
        self.height = height
        self.width = width
        self.tile_size = tile_size
        self.stride = stride
        self.num_rows = (height - tile_size) // stride + 1
        self.num_columns = (width - tile_size) // stride + 1

    @property
    def is_whole(self) -> bool:
        """Whether the one tile is the whole image."""
        return self.num_rows == self.num_columns == 1

    def get_config(self) -> dict[str, int]:
        """Returns the arguments of this grid."""
        return {
            "height": self.height,
            "width": self.width,
            "tile_size": self.tile_size,
            "stride": self.stride,
        }

    def split(self, images: tf.Tensor) -> tf.Tensor:
        """Cuts images into tiles.

        Args:
            images: float32 of shape (batch, height, width, channels).

        Returns:
            tiles: float32 of shape (batch, num_rows, num_columns, tile_size,
                tile_size, channels).
        """
        rows = tf.signal.frame(images, self.tile_size, self.stride, axis=1)
        tiles = tf.signal.frame(rows, self.tile_size, self.stride, axis=3)
        return tf.transpose(tiles, [0, 1, 3, 2, 4, 5])

    def stitch(self, tiles: tf.Tensor) -> tf.Tensor:
        """Joins tiles to images: a weighted mean where they overlap.

        The weights fall off linearly from the middle of a tile to its border,
        so that no seam shows.

        Args:
            tiles: float32 of shape (batch, num_rows, num_columns, tile_size,
                tile_size, channels).

        Returns:
            images: float32 of shape (batch, height, width, channels).
        """
        ramp = tf.range(1.0, self.tile_size + 1.0)
        hat = tf.minimum(ramp, ramp[::-1])
        weights = (hat[:, None] * hat[None, :])[..., None]
        total = self._overlap_add(tf.ones_like(tiles[:1, ..., :1]) * weights)
        return self._overlap_add(tiles * weights) / total

    def _overlap_add(self, tiles: tf.Tensor) -> tf.Tensor:
        """The sum of overlapping tiles, as images."""
        frames = tf.transpose(tiles, [0, 5, 1, 3, 2, 4])
        rows = tf.signal.overlap_and_add(frames, self.stride)
        columns = tf.transpose(rows, [0, 1, 4, 2, 3])
        images = tf.signal.overlap_and_add(columns, self.stride)
        images = tf.transpose(images, [0, 3, 2, 1])
        return tf.ensure_shape(
            images, [None, self.height, self.width, tiles.shape[-1]]
        )


def fitting_side(side: int, *, tile_size: int, stride: int) -> int:
    """The side nearest to `side` that tiles cover exactly.

    Args:
        side: In pixels.
        tile_size: Side of a tile in pixels.
        stride: Pixels from one tile to the next.

    Returns:
        fitting: In pixels, at least `tile_size`.

    Example:
    >>> fitting_side(100, tile_size=32, stride=16)
    96
    """
    return tile_size + max(round((side - tile_size) / stride), 0) * stride
