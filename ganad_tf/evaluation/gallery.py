"""The gallery of a page: images that a person sorts, filters and marks."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Largest side in pixels of a picture that one sees enlarged.
SIZE = 256
# Parts of the score that are named as reasons.
_NUM_REASONS = 3


class Entry(NamedTuple):
    """One image of a gallery; `templates/gallery.html` shows it."""

    path: str  # as marks name it
    type: str  # "good", or a defect type
    decision: str
    score: float  # the highest comes first
    p_value: float | None
    why: str  # what stands out, in words
    jpeg: bytes | None = None  # input, reconstruction, map, contour

    @property
    def folder(self) -> str:
        """The folder in the path, "." for none."""
        return posixpath.dirname(self.path) or "."


def reasons(part_scores: Mapping[str, float]) -> str:
    """Which parts of the score stand out, in words.

    Args:
        part_scores: By part: 0 is the median of qualified images, 1 rare.

    Returns:
        words: The largest ones; or that none is.

    Example:
    >>> reasons({"latent": 0.2, "texture": 3.0, "fine": 1.5})
    'Stands out in texture (3.0), fine (1.5).'
    >>> reasons({"latent": 0.2})
    'No part of the score stands out.'
    """
    largest = sorted(part_scores, key=lambda name: -part_scores[name])
    named = [
        f"{name} ({part_scores[name]:.1f})"
        for name in largest[:_NUM_REASONS]
        if part_scores[name] > 1.0
    ]
    if not named:
        return "No part of the score stands out."
    return f"Stands out in {', '.join(named)}."


def pictured_rows(
    labels: Sequence[int],
    is_defective: Sequence[bool],
    scores: Sequence[float],
    limit: int,
) -> set[int]:
    """Images that get a picture: wrong decisions, then the highest scores.

    Args:
        labels: 0 qualified, 1 defective.
        is_defective: The decisions.
        scores: Anomaly scores.
        limit: Images at most.

    Returns:
        rows: Numbers of the images.

    Example:
    >>> sorted(pictured_rows([0, 1, 0, 0], [0, 0, 0, 1], [4, 1, 3, 5], 3))
    [0, 1, 3]
    """
    is_wrong = np.asarray(labels, bool) != np.asarray(is_defective, bool)
    order = np.lexsort((-np.asarray(scores, float), ~is_wrong))
    return {int(row) for row in order[:limit]}
