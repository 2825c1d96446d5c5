"""Evaluation: how well scores and decisions tell defective from qualified."""

from __future__ import annotations

from collections import Counter
from typing import Any
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy import stats
from sklearn import metrics

NUM_RESAMPLES = 1000
# False-alarm rates that overkill is reported at.
ALPHAS = (0.01, 0.05)


class OperatingPoint(NamedTuple):
    """What decisions amount to; rates are None where there is no image."""

    accuracy: float | None  # share of right decisions
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
    groups = [np.flatnonzero(labels == label) for label in (0, 1)]
    # How often each image is in each resample: (NUM_RESAMPLES, group).
    qualified, defective = (
        generator.multinomial(
            len(group), np.full(len(group), 1 / len(group)), NUM_RESAMPLES
        )
        for group in groups
    )
    areas = []
    for scores in score_sets:
        # Whether a defective image beats a qualified one: 1, 0 or 1/2.
        margins = scores[groups[1]][:, None] - scores[groups[0]][None]
        wins = 0.5 * (np.sign(margins) + 1.0)
        areas.append(((defective @ wins) * qualified).sum(axis=1))
    return np.array(areas) / (len(groups[0]) * len(groups[1]))


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

    Example:
    >>> [round(end, 3) for end in rate_ci95(0, 10)]
    [0.0, 0.308]
    """
    if not total:
        return [0.0, 1.0]
    interval = stats.binomtest(int(count), int(total)).proportion_ci(0.95)
    return [float(interval.low), float(interval.high)]


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


def overkill_by_alpha(p_values: np.ndarray) -> dict[str, dict[str, Any]]:
    """Overkill at the usual false-alarm rates, whatever the one chosen.

    Args:
        p_values: Floats of shape (n,), of qualified test images.

    Returns:
        rates: For each of `ALPHAS`, the overkill rate and its exact 95 %
            interval.

    Example:
    >>> overkill_by_alpha(np.arange(1, 101) / 100)["0.05"]["overkill_rate"]
    0.05
    """
    total = len(p_values)
    counts = {a: int(np.sum(p_values <= a + 1e-9)) for a in ALPHAS}
    return {
        f"{alpha:g}": {
            "overkill_rate": count / total if total else None,
            "overkill_rate_ci95": rate_ci95(count, total),
        }
        for alpha, count in counts.items()
    }


def auroc_by_type(
    labels: np.ndarray, defect_types: np.ndarray, scores: np.ndarray
) -> dict[str, float | None]:
    """AUROC of each defect type against all qualified images."""
    labels, defect_types = np.asarray(labels), np.asarray(defect_types)
    areas = {}
    for defect_type in sorted(set(defect_types[labels == 1])):
        chosen = (labels == 0) | (defect_types == defect_type)
        areas[str(defect_type)] = auroc(labels[chosen], scores[chosen])
    return areas


def pixel_auroc(masks: np.ndarray, anomaly_maps: np.ndarray) -> float | None:
    """AUROC of the pixels of anomaly maps against ground-truth masks.

    Args:
        masks: Booleans of shape (n, height, width).
        anomaly_maps: Floats of the same shape.
    """
    return auroc(np.ravel(masks).astype(int), np.ravel(anomaly_maps))


def aupro(
    masks: np.ndarray,
    anomaly_maps: np.ndarray,
    *,
    integration_limit: float = 0.3,
) -> float | None:
    """Area under the per-region overlap curve.

    The overlap of each connected defect with the thresholded map, averaged
    over the defects, against the false-positive rate of the pixels outside,
    integrated up to `integration_limit` and divided by it (Bergmann et al.,
    "The MVTec Anomaly Detection Dataset", IJCV 2021, section 4.1).

    Args:
        masks: Booleans of shape (n, height, width), some True.
        anomaly_maps: Floats of the same shape.
        integration_limit: Largest false-positive rate, in (0, 1].

    Returns:
        area: In [0, 1]; None without defective or without clean pixels.
    """
    masks, maps = np.asarray(masks, bool), np.asarray(anomaly_maps)
    if not masks.any() or masks.all():
        return None
    negatives = np.sort(maps[~masks])[::-1]
    num_allowed = max(int(integration_limit * len(negatives)), 1)
    regions = _regions(masks, maps)
    # Thresholds at each false positive: overlap of the pixels above it.
    chosen = np.unique(np.linspace(0, num_allowed - 1, 2000).astype(int))
    overlaps = np.mean(
        [
            1.0 - np.searchsorted(region, negatives[chosen]) / len(region)
            for region in regions
        ],
        axis=0,
    )
    rates = (chosen + 1) / len(negatives)
    area = np.trapezoid(np.r_[overlaps[0], overlaps], np.r_[0.0, rates])
    return float(area / rates[-1])


def _regions(masks: np.ndarray, maps: np.ndarray) -> list[np.ndarray]:
    """The sorted map values of each connected defect."""
    regions = []
    for mask, values in zip(masks, maps, strict=True):
        labelled, count = ndimage.label(mask, structure=np.ones([3, 3]))
        regions += [
            np.sort(values[labelled == number + 1]) for number in range(count)
        ]
    return regions


def compare_methods(
    labels: np.ndarray,
    defect_types: np.ndarray,
    scores: dict[str, np.ndarray],
    is_defective: dict[str, np.ndarray],
    *,
    seed: int,
) -> dict[str, Any]:
    """The part of `results.json` that scores and decisions make up.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        defect_types: Strings of shape (n,).
        scores: For each method, floats of shape (n,). The first is ours.
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
