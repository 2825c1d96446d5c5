"""Synthetic defects with masks, which the U-Net discriminator learns to see.

A defect is a content drawn into a shape. Neither needs to look like any real
defect: together they stand for local changes of every size and kind. Shapes
are ellipses, boxes, thin bars (the "scar" of CutPaste, Li et al. 2021), random
walks and patches of thresholded noise; contents are pieces of another image,
plain or blended without a seam (NSA, Schlueter et al. 2022), the ground
darker, brighter, blurred or shifted, a constant, and coloured noise.

Every batch holds every kind, as equal in number as the batch allows: that is
stratified sampling, and each kind is computed for its own images alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ganad_tf.gan import resizing

# Share of images with a first and, of those, a second defect.
DEFECT_RATES = (0.8, 0.35)
# A pixel is defective where its value changes by more than this, in [-1, 1].
MIN_CHANGE = 0.03
NUM_WALK_POINTS = 16
# Cells a side of the random grids that noise is interpolated from.
_PATCH_CELLS = (4, 8, 16, 32)
_NOISE_CELLS = (8, 16, 32, 64)
# Side in pixels of the squares that are averaged for what is coarse.
_COARSE = 16


class DefectiveImages(NamedTuple):
    """Images with synthetic defects."""

    images: tf.Tensor  # (batch, height, width, channels) in [-1, 1]
    masks: tf.Tensor  # (batch, height, width, 1), 1 where defective, else 0


class _Draws:
    """Stateless random numbers: each draw has a seed of its own."""

    def __init__(self, seed: tf.Tensor):
        self._seed = seed
        self._count = 0

    def seed(self) -> tf.Tensor:
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._count)

    def uniform(self, shape, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        return tf.random.stateless_uniform(
            shape, self.seed(), low, high, alg="philox"
        )

    def octave(self, shape, low: float, high: float) -> tf.Tensor:
        """Positive numbers, every octave as likely."""
        return tf.exp(self.uniform(shape, math.log(low), math.log(high)))

    def normal(self, shape, stddev: float = 1.0) -> tf.Tensor:
        return stddev * tf.random.stateless_normal(
            shape, self.seed(), alg="philox"
        )

    def integer(self, low: int, high: int) -> tf.Tensor:
        return tf.random.stateless_uniform(
            [], self.seed(), low, high, tf.int32, alg="philox"
        )

    def permutation(self, count: int) -> tf.Tensor:
        return tf.argsort(self.uniform([count]))


def _coarse(images: tf.Tensor, side: int = _COARSE) -> tf.Tensor:
    """Images without what is finer than `side` pixels."""
    height, width = images.shape[1:3]
    cells = [max(height // side, 1), max(width // side, 1)]
    small = resizing.resize(images, cells, "area")
    return tf.image.resize(small, [height, width])


def _smooth_noise(
    draws: _Draws, shape: tuple[int, int, int, int], cells: tuple[int, ...]
) -> tf.Tensor:
    """Unit noise, smooth at one of the scales, the same for the batch."""
    count, height, width, channels = shape

    def at_scale(side: int) -> tf.Tensor:
        noise = draws.normal([count, side, side, channels])
        return resizing.resize(noise, [height, width], "bicubic")

    return tf.switch_case(
        draws.integer(0, len(cells)),
        [lambda side=side: at_scale(side) for side in cells],
    )


# Shapes: signed distances (count, height, width) in pixels, above 0 inside.


def _rotated_grid(draws: _Draws, count: int, height: int, width: int):
    """Pixel coordinates along and across a random axis."""
    rows = tf.range(height, dtype=tf.float32)[None, :, None] + 0.5
    columns = tf.range(width, dtype=tf.float32)[None, None, :] + 0.5
    rows -= height * draws.uniform([count, 1, 1])
    columns -= width * draws.uniform([count, 1, 1])
    angles = draws.uniform([count, 1, 1], 0.0, math.pi)
    along = columns * tf.cos(angles) + rows * tf.sin(angles)
    across = rows * tf.cos(angles) - columns * tf.sin(angles)
    return along, across


def _radii(draws: _Draws, count: int, side: int):
    long = draws.octave([count, 1, 1], 1.5, side / 3.0)
    return long, long * draws.octave([count, 1, 1], 0.3, 1.0)


def _ellipse(draws: _Draws, count: int, height: int, width: int) -> tf.Tensor:
    along, across = _rotated_grid(draws, count, height, width)
    long, short = _radii(draws, count, min(height, width))
    return (1.0 - tf.sqrt((along / long) ** 2 + (across / short) ** 2)) * short


def _box(draws: _Draws, count: int, height: int, width: int) -> tf.Tensor:
    along, across = _rotated_grid(draws, count, height, width)
    long, short = _radii(draws, count, min(height, width))
    return tf.minimum(long - tf.abs(along), short - tf.abs(across))


def _bar(draws: _Draws, count: int, height: int, width: int) -> tf.Tensor:
    along, across = _rotated_grid(draws, count, height, width)
    long = draws.octave([count, 1, 1], 6.0, min(height, width) / 1.5)
    short = draws.octave([count, 1, 1], 0.5, 3.5)
    return tf.minimum(long - tf.abs(along), short - tf.abs(across))


def _walk(draws: _Draws, count: int, height: int, width: int) -> tf.Tensor:
    """A random walk of straight segments, 1 to 7 px wide."""
    lengths = draws.octave([count, 1], 1.0, 8.0)
    turns = draws.normal([count, NUM_WALK_POINTS], 0.5)
    angles = draws.uniform([count, 1], 0.0, 2 * math.pi) + tf.cumsum(turns, 1)
    y = tf.cumsum(tf.sin(angles) * lengths, 1) + height * draws.uniform(
        [count, 1]
    )
    x = tf.cumsum(tf.cos(angles) * lengths, 1) + width * draws.uniform(
        [count, 1]
    )
    rows = tf.range(height, dtype=tf.float32)[None, :, None] + 0.5
    columns = tf.range(width, dtype=tf.float32)[None, None, :] + 0.5
    nearest = tf.fill([count, height, width], float(height + width) ** 2)
    for point in range(NUM_WALK_POINTS - 1):
        y0, x0, y1, x1 = (
            values[:, None, None]
            for values in (y[:, point], x[:, point])
            + (y[:, point + 1], x[:, point + 1])
        )
        square = (y1 - y0) ** 2 + (x1 - x0) ** 2 + 1e-6
        share = (rows - y0) * ((y1 - y0) / square)
        share += (columns - x0) * ((x1 - x0) / square)
        share = tf.clip_by_value(share, 0.0, 1.0)
        distance = (rows - y0 - share * (y1 - y0)) ** 2
        distance += (columns - x0 - share * (x1 - x0)) ** 2
        nearest = tf.minimum(nearest, distance)
    return draws.octave([count, 1, 1], 0.5, 3.5) - tf.sqrt(nearest + 1e-6)


def _patch(draws: _Draws, count: int, height: int, width: int) -> tf.Tensor:
    """Where smooth noise is high, within a disc."""
    along, across = _rotated_grid(draws, count, height, width)
    long, _ = _radii(draws, count, min(height, width))
    noise = _smooth_noise(draws, (count, height, width, 1), _PATCH_CELLS)
    level = draws.uniform([count, 1, 1], 0.4, 1.4)
    disc = 1.6 * long - tf.sqrt(along**2 + across**2)
    return tf.minimum(6.0 * (noise[..., 0] - level), disc)


# Contents: images (count, height, width, channels) of what a defect shows.


def _colour(draws: _Draws, images: tf.Tensor, stddev: float) -> tf.Tensor:
    """A random offset for each colour; none in gray images."""
    count, channels = images.shape[0], images.shape[-1]
    if channels == 1:
        return tf.zeros([count, 1, 1, 1])
    return draws.normal([count, 1, 1, channels], stddev)


def _turned(draws: _Draws, images: tf.Tensor) -> tf.Tensor:
    """Images mirrored, and square ones transposed, half of the time each."""

    def perhaps(change: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor):
        turn = draws.uniform([]) < 0.5
        return tf.cond(turn, lambda: change(images), lambda: images)

    images = perhaps(lambda x: x[:, ::-1], images)
    images = perhaps(lambda x: x[:, :, ::-1], images)
    if images.shape[1] == images.shape[2]:
        images = perhaps(lambda x: tf.transpose(x, [0, 2, 1, 3]), images)
    return images


def _piece(draws: _Draws, images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    count = images.shape[0]
    gain = tf.exp(draws.uniform([count, 1, 1, 1], -0.5, 0.4))
    offset = draws.uniform([count, 1, 1, 1], -0.3, 0.3)
    return _turned(draws, others) * gain + offset + _colour(draws, images, 0.1)


def _seamless_piece(
    draws: _Draws, images: tf.Tensor, others: tf.Tensor
) -> tf.Tensor:
    """The detail of another image on the coarse levels of this one."""
    others = _turned(draws, others)
    return others - _coarse(others) + _coarse(images)


def _level(draws: _Draws, images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """The ground, darker or brighter."""
    count = images.shape[0]
    sign = tf.sign(draws.uniform([count, 1, 1, 1]) - 0.5)
    change = draws.octave([count, 1, 1, 1], 0.06, 0.9)
    return images + sign * change + _colour(draws, images, 0.08)


def _constant(draws: _Draws, images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    value = draws.uniform([images.shape[0], 1, 1, 1], -1.0, 1.0)
    return tf.zeros_like(images) + value + _colour(draws, images, 0.2)


def _noise(draws: _Draws, images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    noise = _smooth_noise(draws, tuple(images.shape), _NOISE_CELLS)
    amplitude = draws.octave([images.shape[0], 1, 1, 1], 0.08, 0.5)
    return _coarse(images) + amplitude * noise


def _blur(draws: _Draws, images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    fine = draws.uniform([]) < 0.5
    return tf.cond(fine, lambda: _coarse(images, 4), lambda: _coarse(images, 8))


def _shift(draws: _Draws, images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    shift = [draws.integer(-12, 13), draws.integer(-12, 13)]
    return tf.roll(images, shift, [1, 2])


SHAPES = (_ellipse, _box, _bar, _walk, _patch)
CONTENTS = (_piece, _seamless_piece, _level, _constant, _noise, _blur, _shift)


def _strata(count: int, num_kinds: int) -> list[int]:
    """How many of `count` images each kind gets."""
    return [
        count // num_kinds + int(kind < count % num_kinds)
        for kind in range(num_kinds)
    ]


def _draw_shapes(draws: _Draws, count: int, height: int, width: int):
    """Opacities (count, height, width, 1) in [0, 1], soft at the border."""
    distances = tf.concat(
        [
            shape(draws, number, height, width)
            for shape, number in zip(
                SHAPES, _strata(count, len(SHAPES)), strict=True
            )
            if number
        ],
        axis=0,
    )
    distances = tf.gather(distances, draws.permutation(count))
    feather = tf.where(
        draws.uniform([count, 1, 1]) < 0.6,
        draws.uniform([count, 1, 1], 0.5, 3.0),
        0.5,
    )
    opacity = draws.uniform([count, 1, 1], 0.4, 1.0)
    return (opacity * tf.clip_by_value(distances / feather + 0.5, 0.0, 1.0))[
        ..., None
    ]


def _draw_contents(draws: _Draws, images: tf.Tensor, others: tf.Tensor):
    """What defects show, of the images' shape, the kinds in random order."""
    order = draws.permutation(images.shape[0])
    images = tf.ensure_shape(tf.gather(images, order), images.shape)
    numbers = _strata(images.shape[0], len(CONTENTS))
    contents = [
        content(draws, *parts)
        for content, *parts in zip(
            CONTENTS,
            tf.split(images, numbers),
            tf.split(others, numbers),
            strict=True,
        )
        if parts[0].shape[0]
    ]
    contents = tf.gather(tf.concat(contents, axis=0), tf.argsort(order))
    return tf.clip_by_value(contents, -1.0, 1.0)


# Branches on tensors are explicit: AutoGraph would only make tracing slower.
@tf.autograph.experimental.do_not_convert
def paste_defects(
    images: tf.Tensor, others: tf.Tensor, *, seed: tf.Tensor
) -> DefectiveImages:
    """Draws none to two synthetic defects on each qualified image.

    Args:
        images: float32 of static shape (batch, height, width, channels) in
            [-1, 1].
        others: Other qualified images of the same shape, for foreign pieces.
        seed: Integers of shape (2,); the same seed draws the same defects.

    Returns:
        defective: `DefectiveImages`.

    Example:
    >>> images = tf.zeros([14, 32, 48, 1])
    >>> defective = paste_defects(images, images + 0.5, seed=[0, 1])
    >>> defective.images.shape, defective.masks.shape
    (TensorShape([14, 32, 48, 1]), TensorShape([14, 32, 48, 1]))
    """
    draws = _Draws(tf.convert_to_tensor(seed))
    count, height, width, _ = images.shape
    defective = images
    for number, rate in enumerate(DEFECT_RATES):
        opacity = _draw_shapes(draws, count, height, width)
        applied = draws.uniform([count, 1, 1, 1]) < rate
        opacity *= tf.cast(applied, tf.float32)
        contents = _draw_contents(
            draws, defective, tf.roll(others, number + 1, axis=0)
        )
        defective += opacity * (contents - defective)
    change = tf.reduce_max(tf.abs(defective - images), axis=-1, keepdims=True)
    return DefectiveImages(defective, tf.cast(change > MIN_CHANGE, tf.float32))
