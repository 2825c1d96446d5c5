"""Resizing as products of matrices, which run on any device."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def resize(images: tf.Tensor, size: Sequence[int], method: str) -> tf.Tensor:
    """`tf.image.resize`, whose own operation may have no kernel for a GPU.

    Args:
        images: float32 of static shape (batch, height, width, channels).
        size: New (height, width).
        method: Of `tf.image.resize`, such as "area" or "bicubic".

    Returns:
        resized: float32 of shape (batch, height, width, channels).

    Example:
    >>> resize(tf.ones([1, 4, 4, 1]), [2, 2], "area").shape
    TensorShape([1, 2, 2, 1])
    """
    rows, columns = (
        _matrix(*sides, method)
        for sides in zip(images.shape[1:3], size, strict=True)
    )
    return tf.einsum("hi,wj,nijc->nhwc", rows, columns, images)


def _matrix(side: int, size: int, method: str) -> tf.Tensor:
    """What makes `size` values of `side` ones: float32 (size, side)."""
    with tf.init_scope():
        units = tf.eye(side)[None, :, :, None]
        resized = tf.image.resize(units, [size, side], method=method)
        values = resized[0, :, :, 0].numpy()
    return tf.constant(values)
