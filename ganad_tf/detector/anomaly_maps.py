"""Anomaly maps: one map of many, where a defect is and not around it.

Levels that see far call all cells around a defect unusual; those that see fine
detail only its own. A pixel is as unusual as most of them say: maps are merged
by a power mean of low exponent, nearly the geometric mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ganad_tf.detector.conditional_field import ConditionalField
from ganad_tf.detector.feature_field import LEVELS

# Above 0, so that one map that is zero does not hide what all others see.
EXPONENT = 0.1


def merged(maps: tf.Tensor, weights=None) -> tf.Tensor:
    """Power means of maps.

    Args:
        maps: float32 of shape (batch, height, width, num_maps), at least 0.
        weights: Positive weight of each map; equal ones by default.

    Returns:
        merged: float32 of shape (batch, height, width). Maps that are twice as
            high give a map that is twice as high.

    Example:
    >>> maps = tf.constant([[[[1.0, 4.0]]]])
    >>> round(float(merged(maps)[0, 0, 0]), 1)
    2.0
    """
    weights = np.ones(maps.shape[-1]) if weights is None else weights
    weights = np.float32(weights / np.sum(weights))
    return tf.tensordot(maps**EXPONENT, weights, 1) ** (1.0 / EXPONENT)


def field_map(
    fields: Mapping[str, ConditionalField], distances: Mapping[str, tf.Tensor]
) -> tf.Tensor:
    """The distances of all levels of a field as one map of cells.

    Args:
        fields: Fitted fields by level.
        distances: Squared Frechet distances by level, float32 of shape
            (batch, rows, columns).

    Returns:
        field_map: float32 of shape (batch, rows, columns), about 1 where a
            cell is qualified.
    """
    relative = [
        distances[level] / field.num_channels for level, field in fields.items()
    ]
    weights = [LEVELS[level].weight for level in fields]
    return merged(tf.stack(relative, axis=-1), weights)
