"""Augmentation: random changes that leave a good part a good part."""

from __future__ import annotations

import tensorflow as tf


def augmented(
    image: tf.Tensor,
    seed: list,
    *,
    horizontal_flip: bool,
    vertical_flip: bool,
    max_shift: int,
    crop_size: int | None,
) -> tf.Tensor:
    """Crops, mirrors and shifts an image at random, and changes its brightness.

    Args:
        image: float32 of shape (height, width, channels) in [-1, 1].
        seed: Two integers; equal ones give equal draws.
        horizontal_flip: Whether every second image is mirrored left-right.
        vertical_flip: Whether every second image is mirrored up-down.
        max_shift: Images are shifted by up to so many pixels each way; the
            border is mirrored.
        crop_size: Side of a random square that is cut out; None for the whole.

    Returns:
        image: float32 of shape (height, width, channels) in [-1, 1].
    """
    seeds = tf.random.experimental.stateless_split(seed, 5)
    if crop_size:
        square = [crop_size, crop_size, image.shape[-1]]
        image = tf.image.stateless_random_crop(image, square, seeds[4])
    if horizontal_flip:
        image = tf.image.stateless_random_flip_left_right(image, seeds[0])
    if vertical_flip:
        image = tf.image.stateless_random_flip_up_down(image, seeds[1])
    if max_shift:
        image = _shift(image, max_shift, seeds[2])
    gain = tf.exp(0.02 * tf.random.stateless_normal([], seeds[3]))
    return tf.clip_by_value((image + 1.0) * gain - 1.0, -1.0, 1.0)


def _shift(image: tf.Tensor, max_shift: int, seed: tf.Tensor) -> tf.Tensor:
    border = [[max_shift, max_shift], [max_shift, max_shift], [0, 0]]
    padded = tf.pad(image, border, "REFLECT")
    return tf.image.stateless_random_crop(padded, image.shape, seed)
