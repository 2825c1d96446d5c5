"""Online conformal p-values: each image among all before it.

p-values of a detector compare every image with the same calibration images, so
they are not independent: with few calibration images all lean to one side, and
a martingale of them would alarm in the end. Ranked among the calibration images
and all earlier images, p-values of exchangeable images are independent and
uniform (Vovk, Gammerman & Shafer 2005, "Algorithmic Learning in a Random
World", theorem 2.8), if ties are broken at random.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np

from ganad_tf.errors import UserError

_MAX_CALIBRATION = 200_000


def infer_num_calibration(p_values: np.ndarray) -> int:
    """How many calibration images a detector had, by its p-values.

    They are multiples of 1/(n + 1), written with 7 digits.

    Args:
        p_values: Floats of shape (m,) in (0, 1], m at least 1.

    Returns:
        num_calibration: The least n for which all are such multiples.

    Raises:
        UserError: If there is none.

    Example:
    >>> infer_num_calibration(np.array([0.05, 0.3, 1.0]))
    19
    """
    distinct = np.unique(p_values)
    for total in range(2, _MAX_CALIBRATION):
        multiples = distinct * total
        # Of 7 digits; what is more than a fiftieth away is no multiple.
        if np.abs(multiples - np.round(multiples)).max() < min(
            0.02, 1e-6 * total + 1e-5
        ):
            return total - 1
    raise UserError(
        "The p-values are no multiples of 1/(n + 1). Expected those of one "
        "model; give a table for each version of it, or --num_calibration"
    )


def positions(
    p_values: np.ndarray, anomaly_scores: np.ndarray, num_calibration: int
) -> np.ndarray:
    """Places of images among the calibration images, as numbers in order.

    The i-th smallest calibration score is at i, from 1 on. Images between the
    same two are ordered by their own scores.

    Args:
        p_values: Floats of shape (m,), of the detector.
        anomaly_scores: Floats of shape (m,), of the same images.
        num_calibration: Of the detector.

    Returns:
        positions: float64 of shape (m,) in (0, num_calibration + 1).

    Example:
    >>> positions(np.array([1.0, 0.5]), np.array([0.0, 2.0]), 3).round(2)
    array([0.5 , 2.85])
    """
    num_above = np.round(np.asarray(p_values) * (num_calibration + 1)) - 1
    between = 0.5 + np.arctan(np.asarray(anomaly_scores, np.float64)) / np.pi
    return num_calibration - num_above + np.clip(between, 1e-12, 1 - 1e-12)


def tie_breakers(names: Iterable[str]) -> np.ndarray:
    """Numbers in (0, 1) that depend on an image's name and place alone."""
    numbers = [
        int.from_bytes(
            hashlib.sha256(
                f"{place}:{name}".encode("utf-8", "surrogateescape")
            ).digest()[:7]
        )
        for place, name in enumerate(names)
    ]
    return (np.array(numbers, np.float64) + 0.5) / 2.0**56


def online_p_values(
    calibration: Sequence[float],
    stream: Sequence[float],
    uniforms: np.ndarray,
) -> np.ndarray:
    """p-values of images among the calibration images and all before them.

    Args:
        calibration: Places of the calibration images, or their scores.
        stream: The same of the images, in the order of time.
        uniforms: Floats of shape (m,) in (0, 1), which break ties.

    Returns:
        p_values: float64 of shape (m,) in (0, 1); small is unusual.

    Example:
    >>> half = np.full(2, 0.5)
    >>> online_p_values([1.0, 2.0, 3.0], [9.0, 0.0], half).tolist()
    [0.125, 0.9]
    """
    ordered = sorted(calibration)
    p_values = np.empty(len(stream))
    for row, (value, uniform) in enumerate(zip(stream, uniforms, strict=True)):
        above = len(ordered) - bisect.bisect_right(ordered, value)
        equal = len(ordered) - above - bisect.bisect_left(ordered, value)
        p_values[row] = (above + uniform * (equal + 1)) / (len(ordered) + 1)
        bisect.insort(ordered, value)
    return p_values
