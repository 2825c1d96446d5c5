"""Images that cannot be judged: they are defective, whatever was computed.

A pixel or a number that is not finite compares false with any threshold, so
without this check such an image would pass as qualified.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ganad_tf.detector.detection import Detection
from ganad_tf.score_parts import MAP_LIMIT
from ganad_tf.score_parts import UNJUDGED_SCORE

# Files give pixels in [-1, 1]. Half their range more on both sides is left to
# filters that overshoot; what lies beyond is no picture.
PIXEL_LIMIT = 2.0


def are_plausible(images: tf.Tensor) -> tf.Tensor:
    """Whether all pixels of each image are finite and near their range.

    Args:
        images: float32 of shape (batch, height, width, channels), nominally
            in [-1, 1].

    Returns:
        plausible: bool of shape (batch,).

    Example:
    >>> pixels = tf.reshape([0.5, 1.5, float("nan"), 1e30], [4, 1, 1, 1])
    >>> are_plausible(pixels).numpy().tolist()
    [True, True, False, False]
    """
    # NaN is not below the limit.
    return tf.reduce_all(tf.abs(images) <= PIXEL_LIMIT, axis=[1, 2, 3])


def judge_or_reject(
    judge: Callable[[tf.Tensor], Detection],
    images: tf.Tensor,
    *,
    least_p_value: float,
) -> Detection:
    """Judges images; those that cannot be judged are defective.

    Such an image has a pixel that is not plausible, or a number of its
    detection is not finite. Its scores are `UNJUDGED_SCORE`, its map is
    `MAP_LIMIT` everywhere; what else was not finite is 0. Other rows are as
    `judge` returns them.

    Args:
        judge: From images to a `Detection` of tensors, row by row.
        images: float32 of shape (batch, height, width, channels).
        least_p_value: Of the images that cannot be judged.

    Returns:
        detection: `Detection` of tensors, all finite.
    """
    plausible = are_plausible(images)
    detection = judge(_where(plausible, images, 0.0))
    judged = plausible
    for values in detection:
        if values.dtype.is_floating:
            axes = list(range(1, len(values.shape)))
            judged &= tf.reduce_all(tf.math.is_finite(values), axis=axes)
    rejected = dict.fromkeys(Detection._fields, 0.0) | {
        "anomaly_scores": UNJUDGED_SCORE,
        "frechet_scores": UNJUDGED_SCORE,
        "reconstruction_errors": UNJUDGED_SCORE,
        "p_values": least_p_value,
        "is_defective": True,
        "anomaly_maps": MAP_LIMIT,
        "part_scores": UNJUDGED_SCORE,
    }
    return Detection(
        **{
            name: _where(judged, values, rejected[name])
            for name, values in detection._asdict().items()
        }
    )


def _where(rows: tf.Tensor, values: tf.Tensor, other: float | bool):
    """`values` in the given rows, `other` in all others."""
    rows = tf.reshape(rows, [-1] + [1] * (len(values.shape) - 1))
    return tf.where(rows, values, tf.cast(other, values.dtype))
