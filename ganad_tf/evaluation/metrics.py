"""Metrics of scores and decisions: AUROC, rates, and their intervals."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any
from typing import NamedTuple

import numpy as np
from scipy import stats
from sklearn import metrics

NUM_RESAMPLES = 1000
_MAX_VALUES = 2**20  # of resamples that are worked on at once
# False-alarm rates that overkill is reported at.
ALPHAS = (0.01, 0.05)


class OperatingPoint(NamedTuple):
    """The rates of decisions; None where there is no image."""

    accuracy: float | None  # rate of right decisions
    balanced_accuracy: float | None  # mean over qualified and defective
    overkill_rate: float | None  # qualified images called defective
    overkill_rate_ci95: list[float]  # exact interval
    escape_rate: float | None  # defective images called qualified
    escape_rate_ci95: list[float]  # exact interval


def auroc(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """Area under the ROC curve: how often a defective image scores higher.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: Floats of shape (n,); higher is more anomalous.

    Returns:
        area: In [0, 1]; None unless both labels occur.

    Example:
    >>> auroc(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 4.0]))
    0.75
    """
    if len(np.unique(labels)) < 2:
        return None
    return float(metrics.roc_auc_score(labels, scores))


def _resampled_aurocs(labels, score_sets, seed) -> np.ndarray:
    """AUROCs (num_sets, NUM_RESAMPLES) of shared stratified resamples."""
    generator = np.random.default_rng(seed)
    counts = [
        _resample_counts(generator, int(np.sum(labels == label)))
        for label in (0, 1)
    ]
    step = _rows_at_once(len(labels))
    return np.array(
        [
            np.concatenate(
                [
                    _weighted_aurocs(
                        scores[labels == 0],
                        scores[labels == 1],
                        *(of_group[row : row + step] for of_group in counts),
                    )
                    for row in range(0, NUM_RESAMPLES, step)
                ]
            )
            for scores in score_sets
        ]
    )


def _resample_counts(generator, count: int) -> np.ndarray:
    """How often each image of a group is in each: (NUM_RESAMPLES, count)."""
    counts = np.empty([NUM_RESAMPLES, count], np.uint16)
    step = _rows_at_once(count)
    for row in range(0, NUM_RESAMPLES, step):
        drawn = counts[row : row + step]
        drawn[:] = generator.multinomial(
            count, np.full(count, 1 / count), len(drawn)
        )
    return counts


def _rows_at_once(num_images: int) -> int:
    """Resamples whose numbers are held as integers of 64 bit at once."""
    return max(_MAX_VALUES // num_images, 1)


def _weighted_aurocs(
    qualified, defective, qualified_counts, defective_counts
) -> np.ndarray:
    """AUROC of each resample by ranks, in memory linear in the images.

    A defective image beats the qualified ones that are sorted before it; their
    number in a resample is a difference of cumulative counts. Ties count half.
    """
    order = np.argsort(qualified)
    cumulated = qualified_counts[:, order].cumsum(axis=1, dtype=np.int64)
    ranked = np.pad(cumulated, [(0, 0), (1, 0)])
    below, not_above = (
        ranked[:, np.searchsorted(qualified[order], defective, side=side)]
        for side in ("left", "right")
    )
    wins = (defective_counts * (below + not_above)).sum(axis=1) / 2
    return wins / (len(qualified) * len(defective))


def _interval(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.quantile(values, [0.025, 0.975])]


def auroc_ci95(
    labels: np.ndarray, scores: np.ndarray, *, seed: int
) -> list[float] | None:
    """Percentile bootstrap interval of the AUROC, resampled by label.

    Args:
        labels: Integers of shape (n,), 0 or 1.
        scores: Floats of shape (n,).
        seed: Of the resampling.

    Returns:
        interval: Low and high end at 95 %; None unless both labels occur.
    """
    if len(np.unique(labels)) < 2:
        return None
    scores = np.asarray(scores, np.float64)
    return _interval(_resampled_aurocs(np.asarray(labels), [scores], seed)[0])


def auroc_difference_ci95(
    labels: np.ndarray,
    scores: np.ndarray,
    baseline_scores: np.ndarray,
    *,
    seed: int,
) -> list[float] | None:
    """Paired bootstrap interval of the AUROC of `scores` minus the baseline's.

    Args:
        labels: Integers of shape (n,), 0 or 1.
        scores: Floats of shape (n,).
        baseline_scores: Floats of shape (n,), of the same images.
        seed: Of the resampling.

    Returns:
        interval: Low and high end at 95 %; None unless both labels occur.
    """
    if len(np.unique(labels)) < 2:
        return None
    score_sets = [np.asarray(s, np.float64) for s in (scores, baseline_scores)]
    ours, other = _resampled_aurocs(np.asarray(labels), score_sets, seed)
    return _interval(ours - other)


def rate_ci95(count: int, total: int) -> list[float]:
    """Exact interval of a rate (Clopper & Pearson 1934).

    Args:
        count: Images with the property.
        total: All images; the interval of none is [0, 1].

    Returns:
        interval: Low and high end at 95 %, in [0, 1].

    Example:
    >>> [round(end, 3) for end in rate_ci95(0, 10)]
    [0.0, 0.308]
    """
    if not total:
        return [0.0, 1.0]
    interval = stats.binomtest(int(count), int(total)).proportion_ci(0.95)
    return [float(interval.low), float(interval.high)]


def expected_rate95(
    alpha: float, *, num_calibration: int, num_images: int
) -> list[float]:
    """Where the rate of false alarms lies at `alpha`, as often as 95 %.

    Calibration images are drawn, too. Given n of them, the rate of a fitted
    detector is Beta(k, n + 1 - k), k = floor(alpha (n + 1)), so the number of
    false alarms among m qualified images is beta-binomial (Vovk 2012,
    "Conditional validity of inductive conformal predictors").

    Args:
        alpha: False-alarm rate of the decision, in (0, 1).
        num_calibration: Calibration images, n; with groups, one of each.
        num_images: Qualified images that are judged, m; with groups, groups.
            The interval of none is [0, 1].

    Returns:
        interval: Low and high end, in [0, 1]; [0, 0] where no p-value can
            reach `alpha`.

    Example:
    >>> expected_rate95(0.05, num_calibration=19, num_images=100)
    [0.0, 0.19]
    """
    if not num_images:
        return [0.0, 1.0]
    rank = math.floor(alpha * (num_calibration + 1) + 1e-9)
    if not rank:
        return [0.0, 0.0]
    alarms = stats.betabinom(num_images, rank, num_calibration + 1 - rank)
    return [float(end / num_images) for end in alarms.interval(0.95)]


def operating_point(
    labels: np.ndarray, is_defective: np.ndarray
) -> OperatingPoint:
    """Accuracy, overkill and escape rate of decisions.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        is_defective: Booleans of shape (n,).

    Returns:
        point: `OperatingPoint`.
    """
    labels, is_defective = np.asarray(labels), np.asarray(is_defective)
    qualified, defective = is_defective[labels == 0], ~is_defective[labels == 1]
    overkill = float(qualified.mean()) if len(qualified) else None
    escape = float(defective.mean()) if len(defective) else None
    rates = [rate for rate in (overkill, escape) if rate is not None]
    right = is_defective == (labels == 1)
    return OperatingPoint(
        accuracy=float(right.mean()) if len(labels) else None,
        balanced_accuracy=1.0 - sum(rates) / 2 if len(rates) == 2 else None,
        overkill_rate=overkill,
        overkill_rate_ci95=rate_ci95(qualified.sum(), len(qualified)),
        escape_rate=escape,
        escape_rate_ci95=rate_ci95(defective.sum(), len(defective)),
    )


def overkill_by_alpha(
    p_values: np.ndarray, **counts: int
) -> dict[str, dict[str, Any]]:
    """Overkill at the usual false-alarm rates, whichever was calibrated.

    Args:
        p_values: Floats of shape (n,), of qualified test images.
        **counts: As of `expected_rate95`.

    Returns:
        rates: For each of `ALPHAS`, the overkill rate, its exact 95 %
            interval, and the interval that is expected.

    Example:
    >>> p_values = np.arange(1, 101) / 100
    >>> rates = overkill_by_alpha(p_values, num_calibration=99, num_images=100)
    >>> rates["0.05"]["overkill_rate"]
    0.05
    """
    total = len(p_values)
    alarms = {a: int(np.sum(p_values <= a + 1e-9)) for a in ALPHAS}
    return {
        f"{alpha:g}": {
            "overkill_rate": count / total if total else None,
            "overkill_rate_ci95": rate_ci95(count, total),
            "overkill_rate_expected95": expected_rate95(alpha, **counts),
        }
        for alpha, count in alarms.items()
    }


def auroc_by_type(
    labels: np.ndarray, defect_types: np.ndarray, scores: np.ndarray
) -> dict[str, float | None]:
    """AUROC of each defect type against all qualified images.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        defect_types: Strings of shape (n,).
        scores: Floats of shape (n,).

    Returns:
        areas: In [0, 1], by defect type.
    """
    labels, defect_types = np.asarray(labels), np.asarray(defect_types)
    areas = {}
    for defect_type in sorted(set(defect_types[labels == 1])):
        chosen = (labels == 0) | (defect_types == defect_type)
        areas[str(defect_type)] = auroc(labels[chosen], scores[chosen])
    return areas


def compare_methods(
    labels: np.ndarray,
    defect_types: np.ndarray,
    scores: dict[str, np.ndarray],
    is_defective: dict[str, np.ndarray],
    *,
    seed: int,
) -> dict[str, Any]:
    """The part of `results.json` that follows from scores and decisions.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        defect_types: Strings of shape (n,).
        scores: For each method, floats of shape (n,), our score first.
        is_defective: For each method, booleans of shape (n,).
        seed: Of the bootstrap.

    Returns:
        results: `auroc`, `auroc_ci95`, `auroc_by_type`, `num_by_type` (images
            of each defect type), the first method's `OperatingPoint` fields,
            `methods` with every method's, and `auroc_difference_ci95` of the
            first method minus each other.
    """
    ours = next(iter(scores))
    points = {
        name: operating_point(labels, decisions)._asdict()
        for name, decisions in is_defective.items()
    }
    return {
        "auroc": {name: auroc(labels, s) for name, s in scores.items()},
        "auroc_ci95": {
            name: auroc_ci95(labels, s, seed=seed) for name, s in scores.items()
        },
        "auroc_difference_ci95": {
            name: auroc_difference_ci95(labels, scores[ours], s, seed=seed)
            for name, s in scores.items()
            if name != ours
        },
        "auroc_by_type": auroc_by_type(labels, defect_types, scores[ours]),
        "num_by_type": dict(
            Counter(np.asarray(defect_types)[np.asarray(labels) == 1].tolist())
        ),
        **points[ours],
        "methods": points,
    }
