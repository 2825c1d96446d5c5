"""Examples: which test images the report shows, by their scores."""

from __future__ import annotations

import numpy as np


def select_examples(
    labels: np.ndarray,
    scores: np.ndarray,
    *,
    threshold: float,
    num_each: int = 4,
) -> dict[str, list[int]]:
    """Row numbers of the best, the worst and the borderline cases.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: Floats of shape (n,); higher is more anomalous.
        threshold: Least score that is called defective.
        num_each: Most images under one heading.

    Returns:
        rows: For each heading that has images, their row numbers.

    Example:
    >>> chosen = select_examples([0, 1], [0.2, 3.0], threshold=1.0)
    >>> chosen["Defective and detected (clearest first)"]
    [1]
    """
    labels, scores = np.asarray(labels), np.asarray(scores)
    order = np.argsort(scores, kind="stable")
    ascending_of = {
        (label, called): order[
            (labels[order] == label) & ((scores[order] >= threshold) == called)
        ]
        for label in (0, 1)
        for called in (False, True)
    }
    passed = ascending_of[0, False]
    rows = {
        "Defective, called qualified (escapes, lowest score first)": (
            ascending_of[1, False]
        ),
        "Qualified, called defective (overkill, highest score first)": (
            ascending_of[0, True][::-1]
        ),
        "Closest to the threshold": np.argsort(
            np.abs(scores - threshold), kind="stable"
        ),
        "Defective and detected (clearest first)": ascending_of[1, True][::-1],
        "Qualified and passed (the median)": passed[len(passed) // 2 :],
    }
    return {
        heading: chosen[:num_each].tolist()
        for heading, chosen in rows.items()
        if len(chosen)
    }
