"""Synthetic defects, which the denoising encoder learns to ignore.

The defects are drawn at random on qualified images. They need not look like
any real defect; together they only stand for local changes of any kind:
foreign pieces, dark and bright lines, blobs, noise, blur and shifts.
"""

from __future__ import annotations

import math

import tensorflow as tf

MAX_CORRUPTIONS = 2
NUM_WALK_POINTS = 64


class _Dice:
    """Stateless draws, each with a seed of its own, one value an image."""

    def __init__(self, seed: tf.Tensor, batch: tf.Tensor):
        self._seed = seed
        self._batch = batch
        self._count = 0

    def _next_seed(self) -> tf.Tensor:
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._count)

    def uniform(self, low: float, high: float, *shape: int) -> tf.Tensor:
        shape = [self._batch, *shape]
        return tf.random.stateless_uniform(
            shape, self._next_seed(), low, high, alg="philox"
        )

    def length(self, low: float, high: float) -> tf.Tensor:
        """Lengths, every octave as likely: defects have any size."""
        return tf.exp(self.uniform(math.log(low), math.log(high)))

    def normal(self, *shape: int) -> tf.Tensor:
        shape = [self._batch, *shape]
        return tf.random.stateless_normal(
            shape, self._next_seed(), alg="philox"
        )

    def integers(self, high: int, *shape: int) -> tf.Tensor:
        shape = [self._batch, *shape]
        return tf.random.stateless_uniform(
            shape, self._next_seed(), 0, high, tf.int32, alg="philox"
        )


def _per_image(values: tf.Tensor) -> tf.Tensor:
    return values[:, None, None, None]


def _box(dice: _Dice, size: int) -> tf.Tensor:
    """Rectangles of 3 px to half of the side: (batch, size, size, 1)."""
    axis = tf.range(size, dtype=tf.float32)
    inside = []
    for _ in range(2):
        length = dice.length(3.0, size / 2.0)[:, None]
        start = dice.uniform(0.0, 1.0)[:, None] * (size - length)
        inside.append((axis >= start) & (axis < start + length))
    rows, columns = inside
    box = rows[:, :, None, None] & columns[:, None, :, None]
    return tf.cast(box, tf.float32)


def _blob(dice: _Dice, size: int) -> tf.Tensor:
    """Gaussian spots of radius 2 px to a third of the side."""
    axis = tf.range(size, dtype=tf.float32)
    radius = dice.length(2.0, size / 3.0)[:, None]
    rows, columns = (
        tf.exp(-0.5 * ((axis - dice.uniform(0.0, size)[:, None]) / radius) ** 2)
        for _ in range(2)
    )
    return rows[:, :, None, None] * columns[:, None, :, None]


def _line(dice: _Dice, size: int) -> tf.Tensor:
    """Random walks of 8 to 63 px, one or two px wide, as masks."""
    turns = 0.35 * dice.normal(NUM_WALK_POINTS)
    angles = dice.uniform(0.0, 6.2832)[:, None] + tf.cumsum(turns, axis=1)
    steps = tf.stack([tf.sin(angles), tf.cos(angles)], axis=-1)
    start = dice.uniform(0.0, float(size), 1, 2)
    points = tf.cast(tf.round(start + tf.cumsum(steps, axis=1)), tf.int32)
    length = dice.uniform(8.0, float(NUM_WALK_POINTS))[:, None]
    drawn = tf.range(NUM_WALK_POINTS, dtype=tf.float32)[None] < length
    drawn &= tf.reduce_all((points >= 0) & (points < size), axis=-1)
    batch = tf.shape(points)[0]
    owner = tf.repeat(tf.range(batch)[:, None], NUM_WALK_POINTS, axis=1)
    index = tf.concat(
        [owner[..., None], tf.clip_by_value(points, 0, size - 1)], -1
    )
    thin = tf.tensor_scatter_nd_max(
        tf.zeros([batch, size, size]), index, tf.cast(drawn, tf.float32)
    )[..., None]
    wide = tf.nn.max_pool2d(thin, 2, 1, "SAME")
    return tf.where(_per_image(dice.uniform(0.0, 1.0)) < 0.5, thin, wide)


def _foreign_piece(images, others, dice: _Dice, size: int) -> tf.Tensor:
    """A rectangle cut out of another image, brighter or darker."""
    # Aligned parts look alike in the same place; moved, the piece is foreign.
    shifts = (size // 3, size // 2)
    others = tf.roll(others, shift=shifts, axis=(1, 2))
    gain = _per_image(dice.uniform(0.3, 1.2))
    return _blend(images, (others + 1.0) * gain - 1.0, _box(dice, size))


def _blend(images, contents, masks) -> tf.Tensor:
    return images + masks * (contents - images)


def _line_defect(images, others, dice: _Dice, size: int) -> tf.Tensor:
    """A crack or scratch, darker than the ground more often than brighter."""
    amplitude = _per_image(dice.uniform(-0.6, 0.6))
    return images + amplitude * _line(dice, size)


def _spot(images, others, dice: _Dice, size: int) -> tf.Tensor:
    return images + _per_image(dice.uniform(-0.8, 0.6)) * _blob(dice, size)


def _noise_patch(images, others, dice: _Dice, size: int) -> tf.Tensor:
    noise = dice.normal(size, size, images.shape[-1])
    smooth = 3.0 * tf.nn.avg_pool2d(noise, 3, 1, "SAME")
    coarse = _per_image(dice.uniform(0.0, 1.0)) < 0.5
    amplitude = _per_image(dice.uniform(0.05, 0.3))
    return images + amplitude * _blob(dice, size) * tf.where(
        coarse, smooth, noise
    )


def _blur_patch(images, others, dice: _Dice, size: int) -> tf.Tensor:
    """Structure that is missing: the surroundings' mean in its place."""
    blurred = tf.nn.avg_pool2d(images, 7, 1, "SAME")
    return _blend(images, blurred, _box(dice, size))


def _shifted_patch(images, others, dice: _Dice, size: int) -> tf.Tensor:
    """Structure in the wrong place, by at most an eighth of the side."""
    longest = max(size // 8, 1)
    down = tf.roll(images, shift=longest, axis=1)
    right = tf.roll(images, shift=longest // 2 + 1, axis=2)
    which = _per_image(dice.uniform(0.0, 1.0)) < 0.5
    return _blend(images, tf.where(which, down, right), _box(dice, size))


_KINDS = (
    _foreign_piece,
    _line_defect,
    _spot,
    _noise_patch,
    _blur_patch,
    _shifted_patch,
)
# Pieces, lines and spots are drawn twice as often as the other kinds.
_WEIGHTS = (0, 0, 1, 1, 2, 2, 3, 4, 5)


def _corrupt_once(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """One defect on each image; each kind is drawn on its own images alone."""
    size = images.shape[1]
    batch = tf.shape(images)[0]
    dice = _Dice(seed, batch)
    kinds = tf.gather(tf.constant(_WEIGHTS), dice.integers(len(_WEIGHTS)))
    # Drawing every kind on every image and choosing one would cost six times
    # as much.
    rows = tf.dynamic_partition(tf.range(batch), kinds, len(_KINDS))
    others = tf.roll(images, shift=1, axis=0)
    parts = []
    for number, (corrupt_all, chosen) in enumerate(
        zip(_KINDS, rows, strict=True)
    ):
        # Not above 0, where `dice` counts: no draw shares its seed.
        seed_of_kind = tf.random.experimental.stateless_fold_in(seed, -number)
        parts.append(
            corrupt_all(
                tf.gather(images, chosen),
                tf.gather(others, chosen),
                _Dice(seed_of_kind, tf.size(chosen)),
                size,
            )
        )
    corrupted = tf.dynamic_stitch(rows, parts)
    return tf.ensure_shape(corrupted, images.shape)


def corrupt(
    images: tf.Tensor, *, seed: tf.Tensor, at_least: int = 0
) -> tf.Tensor:
    """Draws `at_least` to two synthetic defects on each qualified image.

    Args:
        images: float32 of shape (batch, size, size, channels) in [-1, 1].
            A piece is cut from the image before in the batch.
        seed: Integers of shape (2,); the same seed draws the same defects.
        at_least: 0 (a third of the images stays as it is), 1 or 2.

    Returns:
        corrupted: float32 of the same shape, in [-1, 1].

    Example:
    >>> images = tf.zeros([8, 32, 32, 1])
    >>> corrupted = corrupt(images, seed=tf.constant([0, 1]), at_least=1)
    >>> corrupted.shape
    TensorShape([8, 32, 32, 1])
    """
    seeds = tf.random.experimental.stateless_split(seed, MAX_CORRUPTIONS + 1)
    dice = _Dice(seeds[-1], tf.shape(images)[0])
    count = at_least + dice.integers(MAX_CORRUPTIONS + 1 - at_least)
    corrupted = images
    for number in range(MAX_CORRUPTIONS):
        applied = _per_image(number < count)
        corrupted = tf.where(
            applied, _corrupt_once(corrupted, seeds[number]), corrupted
        )
    return tf.clip_by_value(corrupted, -1.0, 1.0)
