"""Misses: the defective images that are called qualified, and why."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ganad_tf.score_parts import SCORE_PARTS

_PART_WORDS = {part.name: part.words for part in SCORE_PARTS}
REASONS = {
    "part": "stand out in one part of the score only",
    "close": "are close calls, just below the threshold",
    "alike": "look like qualified images to every part of the score",
}


class Miss(NamedTuple):
    """A defective image that is called qualified."""

    name: str  # of its file
    defect_type: str
    score: float  # anomaly score
    p_value: float  # in (0, 1], larger than alpha
    shares: dict[str, float]  # of qualified test images with a larger part
    num_regions: int  # regions of its map above the map's threshold
    image: np.ndarray | None = None  # (height, width, channels) in [-1, 1]
    anomaly_map: np.ndarray | None = None  # (height, width), 1 is rare
    map_threshold: float = np.inf  # level from which on a region begins


def missed_rows(
    labels: np.ndarray, scores: np.ndarray, threshold: float
) -> list[int]:
    """Row numbers of the missed images, the lowest score first.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: Floats of shape (n,), anomaly scores.
        threshold: Least score that is called defective.

    Returns:
        rows: In the order of their scores.

    Example:
    >>> missed_rows([0, 1, 1, 1], [0.1, 0.8, 2.0, 0.4], 1.0)
    [3, 1]
    """
    order = np.argsort(scores, kind="stable")
    return [int(r) for r in order if labels[r] == 1 and scores[r] < threshold]


def larger_shares(
    row: int, labels: np.ndarray, parts: dict[str, np.ndarray]
) -> dict[str, float]:
    """Shares of the qualified images that score higher, for each part.

    Args:
        row: Of the image.
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        parts: For each part of the score, floats of shape (n,).

    Returns:
        shares: For each part, the share of qualified images whose value is
            larger; 0 where there is no qualified image.

    Example:
    >>> larger_shares(2, [0, 0, 1], {"frechet_score": [1.0, 3.0, 2.0]})
    {'frechet_score': 0.5}
    """
    qualified = np.asarray(labels) == 0
    return {
        name: float(np.sum(np.asarray(values)[qualified] > values[row]))
        / max(int(qualified.sum()), 1)
        for name, values in parts.items()
    }


def reason(miss: Miss, alpha: float) -> str:
    """Why an image was missed at a false-alarm rate: a key of `REASONS`."""
    near = miss.p_value <= 2.0 * alpha
    if any(share <= alpha for share in miss.shares.values()):
        # The one part may be all of the score, or be outweighed by another.
        return "close" if near and len(miss.shares) == 1 else "part"
    return "close" if near else "alike"


def _share_words(shares: dict[str, float]) -> str:
    return " and ".join(
        f"{100 * share:.0f} % have a larger {_PART_WORDS[name]}"
        for name, share in shares.items()
    )


def why(miss: Miss, alpha: float) -> str:
    """Why an image was missed, in words for the report.

    Args:
        miss: `Miss`.
        alpha: False-alarm rate of the decision.

    Returns:
        words: Sentences.
    """
    opening = {
        "part": "Stands out in one part of the score only.",
        "close": "A close call.",
        "alike": "Looks like a qualified image.",
    }[reason(miss, alpha)]
    return (
        f"{opening} Of the qualified test images, "
        f"{_share_words(miss.shares)}. "
        + (
            "The anomaly map exceeds its threshold inside the contour."
            if miss.num_regions
            else "The anomaly map stays below its threshold everywhere."
        )
    )
