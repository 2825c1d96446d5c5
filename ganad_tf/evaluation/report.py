"""The report: one HTML page that shows how well the detector decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ganad_tf import artifacts
from ganad_tf.detector.feature_field import LEVELS
from ganad_tf.evaluation import figures
from ganad_tf.evaluation import formatting
from ganad_tf.evaluation import gallery
from ganad_tf.evaluation import map_pictures
from ganad_tf.evaluation import misses
from ganad_tf.evaluation import page
from ganad_tf.evaluation.pixel_scores import INTEGRATION_LIMIT
from ganad_tf.score_parts import ANOMALY
from ganad_tf.score_parts import FRECHET
from ganad_tf.score_parts import RESIDUAL
from ganad_tf.score_parts import SCORE_PARTS

# Name and meaning of each part of the anomaly score.
_PARTS = {
    FRECHET.field: ("latent", "the whole image"),
    RESIDUAL.field: ("residual", "difference from the reconstruction"),
    **{name: (name, level.words) for name, level in LEVELS.items()},
}
_GLOSSARY = (
    ("qualified, defective", "a good part; a part with a defect"),
    (
        "anomaly score",
        "how much an image differs from qualified images; higher is more "
        "anomalous",
    ),
    (
        "p-value",
        "share of held-out qualified images that score as high or higher; an "
        "image is called defective at alpha or below",
    ),
    (
        "overkill",
        "qualified images that are called defective: at most alpha on average "
        "over calibration sets; one set may give any rate of its interval",
    ),
    ("escape", "defective images that are called qualified: a miss"),
    (
        "AUROC",
        "probability that a defective image scores higher than a qualified "
        "one; 0.5 is chance, 1 is perfect",
    ),
    (
        "anomaly map",
        "how much each pixel differs from qualified images; 1 is exceeded by "
        "a hundredth of their pixels; a contour surrounds values that a "
        "qualified image reaches anywhere with probability alpha",
    ),
)


def _verdict(results: dict[str, Any]) -> str:
    qualified = results["num_test_qualified"]
    defective = results["num_test_defective"]
    words = (
        f"At a false-alarm rate of {results['alpha']:g}, "
        f"{round((results['overkill_rate'] or 0) * qualified)} of {qualified} "
        "qualified test images are called defective (overkill)"
        f"{_expected_words(results)}"
    )
    if defective:
        words += (
            f", and {round(results['escape_rate'] * defective)} of {defective} "
            "defective test images are called qualified (escapes)"
        )
    return words + "."


def _expected_words(results: dict[str, Any]) -> str:
    """How much overkill the number of calibration images lets expect."""
    ends = results["overkill_rate_expected95"]
    if results["overkill_rate"] is None:
        return ""
    place = formatting.place(results["overkill_rate"], ends)
    return (
        f": {formatting.percent(results['overkill_rate'])}, {place} the "
        f"{formatting.percent_interval(ends)} % that "
        f"{results['num_calibration']} calibration images let expect (95 %)"
    )


def _type_rows(
    results: dict[str, Any], missed: Sequence[misses.Miss]
) -> list[tuple[str, ...]]:
    missed_types = [miss.defect_type for miss in missed]
    return [
        (
            name,
            str(count),
            str(missed_types.count(name)),
            formatting.percent(missed_types.count(name) / count),
            formatting.number(results["auroc_by_type"].get(name)),
        )
        for name, count in results["num_by_type"].items()
    ]


def _sampled_words(results: dict[str, Any]) -> str:
    """Which baselines were fitted to a sample, and of how many images."""
    return "; ".join(
        f"{name} to {count} of {results['num_train']}"
        for name, count in results["baseline_num_train"].items()
        if count < results["num_train"]
    )


def _group_words(num_groups: dict[str, int]) -> str:
    return ", ".join(
        f"{count} {role.replace('_', ' ')}"
        for role, count in num_groups.items()
    )


def _skipped_rows(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Images that were not judged, and masks that could not be used."""
    skipped = results["unreadable"] + results["unusable_masks"]
    return [(row["name"], row["status"]) for row in skipped]


def _pair_rows(pairs: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Rows of near-copies, as `split.json` has them."""
    return [
        (*pair["names"], ", ".join(pair["roles"]), f"{pair['correlation']:.2f}")
        for pair in pairs
    ]


def _set_rows(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    counts = results["frechet_num_images"]
    return [
        (name, str(counts[name]), formatting.number(value, 1))
        for name, value in results["frechet_by_set"].items()
    ]


def _part_rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (*_PARTS[name], formatting.number(area))
        for name, area in results["auroc_by_part"].items()
    ]


def _reason_counts(missed: Sequence[misses.Miss], alpha: float) -> str:
    reasons = [misses.reason(miss, alpha) for miss in missed]
    return "; ".join(
        f"{reasons.count(key)} {words}"
        for key, words in misses.REASONS.items()
        if key in reasons
    )


def _miss_entry(miss: misses.Miss, alpha: float) -> dict[str, Any]:
    png = None
    if miss.image is not None:
        png = map_pictures.overlay_png(
            miss.image, miss.anomaly_map, map_threshold=miss.map_threshold
        )
    return {**miss._asdict(), "why": misses.why(miss, alpha), "png": png}


def write_report(
    path: str,
    results: dict[str, Any],
    *,
    missed: Sequence[misses.Miss],
    labels: np.ndarray,
    scores: dict[str, np.ndarray],
    threshold: float,
    panels: dict[str, Sequence[map_pictures.Panel]],
    entries: Sequence[gallery.Entry],
) -> None:
    """Writes the report as one HTML file that needs no other.

    Args:
        path: Of the file.
        results: The content of `results.json`.
        missed: `misses.Miss` of each defective image called qualified.
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: For each method, floats of shape (n,).
        threshold: Least anomaly score that is called defective.
        panels: `Panel`s under each heading.
        entries: Of all test images.
    """
    labels, alpha = np.asarray(labels), results["alpha"]
    text = page.render(
        "report.html",
        title=results["data"],
        results=results,
        verdict=_verdict(results),
        threshold=threshold,
        integration_limit=INTEGRATION_LIMIT,
        groups=_group_words(results["num_groups"]),
        near_copies=_pair_rows(results.get("near_copies") or ()),
        sampled=_sampled_words(results),
        skipped=_skipped_rows(results),
        method_header=formatting.METHOD_HEADER,
        methods=[
            formatting.method_row(results, name) for name in results["methods"]
        ],
        ours=[part.name for part in SCORE_PARTS],
        roc_png=(
            figures.roc_png(labels, scores)
            if results["num_test_defective"]
            else None
        ),
        histogram_png=figures.histogram_png(
            labels, np.asarray(scores[ANOMALY.name]), threshold
        ),
        types=_type_rows(results, missed),
        missed=[_miss_entry(miss, alpha) for miss in missed],
        reasons=_reason_counts(missed, alpha),
        part_rows=_part_rows(results),
        sets=_set_rows(results),
        examples={
            heading: map_pictures.panels_png(chosen)
            for heading, chosen in panels.items()
        },
        entries=entries,
        glossary=_GLOSSARY,
    )
    artifacts.write_text(path, text)
