"""Sentences and table rows of the reproduction, from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganad_tf.evaluation.formatting import interval
from ganad_tf.evaluation.formatting import number
from ganad_tf.evaluation.formatting import percent
from ganad_tf.evaluation.formatting import percent_interval
from ganad_tf.paper import measures
from ganad_tf.score_parts import ANOMALY

# Accuracies of Table III in percent: solar, wood.
PAPER_ACCURACY = {
    ANOMALY.name: (93.75, 92.04),
    "gmm": (86.33, 68.53),
    "one_class_svm": (56.96, 44.54),
    "lof": (46.56, 65.74),
}
PAPER_TABLES = (
    "Table I, solar cells: generated 0.03, defects of type I 0.31 and of type "
    "II 0.33, that is 10 and 11 times as far. Table II, wood: generated 0.026, "
    "marker 33,824,249.86, crack 34,560,055.17, hot glue 34,635,743.63, "
    "lubricant 34,410,635.66: distances of that size say that the descent left "
    "the generator's range. The paper states no number of images and no "
    "interval."
)


def neighbours(
    shares: tuple[float, float],
    between_real: tuple[float, float],
    ends: list[float],
    mixed: Sequence[bool],
) -> str:
    """Words for Fig. 6.

    Args:
        shares: How often the nearest neighbour of a real, and of a generated
            image, is of its own kind.
        between_real: The same of held-out and training images, both real.
        ends: 95 % interval of the mean of `shares`.
        mixed: Whether each share is like those between real images.
    """
    real, generated = shares
    total = (real + generated) / 2
    words = (
        f"The nearest neighbour is of the same kind for {percent(real)} of the "
        f"real and {percent(generated)} of the generated images: "
        f"{percent(total)} of all (95 %: {interval(ends)}). For "
        "both, 50 % is chance, 100 % is separate, less than 50 % is copying. "
        "Between held-out and training images, both real, it is "
        f"{percent(sum(between_real) / 2)}. "
    )
    if all(mixed):
        return words + "By this measure generated images pass for real ones."
    if mixed[0] and not mixed[1]:
        return words + (
            "Generated images lie in the middle of the real ones and vary "
            "less: the nearest neighbour of either is a generated one. Their "
            "mean does not show this."
        )
    return words + "Generated images can be told apart from real ones."


def interpolation(
    smoothness: measures.Smoothness,
    inside: float,
    *,
    convex: bool,
    linear: bool,
) -> str:
    """Words for Fig. 7 and 8.

    Args:
        smoothness: How smooth the path is.
        inside: Share of the path that scores like real images.
        convex: Whether the discriminator's score holds on the way.
        linear: Whether the generator has a linear head.
    """
    words = (
        f"The largest of the {len(smoothness.changes)} steps is "
        f"{smoothness.largest_step:.2f} times the mean one (1 is even), and "
        f"the path in image space is {smoothness.detour:.2f} times as long as "
        "the distance of its ends (1 is straight). "
    )
    words += (
        "Along the path the discriminator's score stays as high as at the "
        "lower end: convex by this measure. "
        if convex
        else "Along the path the discriminator's score falls "
        f"{smoothness.dip:.2f} below the lower end: not convex by this "
        "measure. "
    )
    words += (
        f"{percent(inside)} of the path scores within the range of 90 % of "
        "held-out qualified ones."
    )
    if linear:
        words += (
            " Most of each image comes from the linear head, which makes steps "
            "even by construction."
        )
    return words


def reconstructions(
    losses: dict[str, tuple[float, float]], held_out: str
) -> str:
    """Words for Fig. 9 and 10.

    Args:
        losses: Median losses of each set, by the paper's descent and by this
            detector's.
        held_out: Name of the held-out qualified set.
    """
    paper, ours = losses[held_out]
    words = [
        f"Median Laplacian loss of {held_out} samples: {paper:.3f} by "
        f"the paper's descent, {ours:.3f} by this detector's."
    ]
    words += [
        f"{name}: {other:.3f} ({other / paper:.2f} times) and {our_other:.3f} "
        f"({our_other / ours:.2f} times)."
        for name, (other, our_other) in losses.items()
        if name != held_out
    ]
    words += [
        f"{name} is reconstructed better than {held_out} samples: it is "
        "smoother than they are, which a residual cannot show."
        for name, (_, our_other) in losses.items()
        if our_other < ours
    ]
    return " ".join(words)


DISTANCE_HEADER = (
    "set",
    "images",
    "distance to the reference (95 %)",
    "held-out qualified, same number (95 %)",
    "ratio (95 %)",
    "AUROC of single images",
)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def distance_row(row: measures.SetDistance) -> tuple[str, ...]:
    """One set's figures as text, in the order of `DISTANCE_HEADER`."""
    cells = [
        f"{_figure(middle)} ({_figure(low)} to {_figure(high)})"
        for middle, low, high in (row.distance, row.qualified, row.ratio)
    ]
    return row.name, str(row.num_images), *cells, number(row.auroc)


def distances(
    rows: Sequence[measures.SetDistance],
    factor: float,
    *,
    by: str,
) -> str:
    """Words for Tables I and II.

    Args:
        rows: The generated set, then each defect type.
        factor: By which defect types should lie farther out.
        by: "paper" or "detector".
    """
    generated, *types = rows
    words = [
        f"Generated samples lie {generated.ratio[0]:.2f} times as far from "
        "the reference as the same number of held-out qualified ones."
    ]
    near = [row for row in types if row.ratio[0] < factor]
    if types and not near:
        words.append(
            f"Every defect type lies at least {factor:g} times as far, as in "
            "the paper."
        )
    words += [_why_near(row) for row in near]
    if near and by == "paper":
        words.append(_WHY_PAPER)
    unsure = [
        row.name for row in types if row.ratio[1] < factor <= row.ratio[0]
    ]
    if unsure:
        words.append(
            f"For {', '.join(unsure)} the interval reaches below {factor:g}: "
            "there are few images, or they vary much."
        )
    return " ".join(words)


_WHY_PAPER = (
    "The paper's descent starts at the prior's mean and ends near it, for "
    "qualified and defective images alike. The distance is not whitened: "
    "directions in which qualified images hardly vary weigh little, and that "
    "is where defects show."
)


def _why_near(row: measures.SetDistance) -> str:
    reason = (
        "single images lie nearer to the reference's mean than qualified "
        "ones, as smoother images do"
        if row.auroc < 0.5
        else "single images overlap with qualified ones in these latents"
        if row.auroc < 0.9
        else f"single images differ, but {row.num_images} are so few that the "
        "same number of held-out qualified ones lies far out as well"
        if row.num_images < 50
        else "single images differ, each by little"
    )
    return (
        f"{row.name} lies only {row.ratio[0]:.2f} times as far: {reason} "
        f"(AUROC {row.auroc:.3f})."
    )


ACCURACY_HEADER = (
    "method",
    "accuracy (95 %)",
    "paper: solar",
    "paper: wood",
    "balanced accuracy",
    "overkill",
    "escape",
    "AUROC",
)


def accuracy_row(
    results: dict[str, Any], name: str, ends: list[float]
) -> tuple[str, ...]:
    """One method's figures as text, in the order of `ACCURACY_HEADER`.

    Args:
        results: The content of `results.json`.
        name: One of `results["methods"]`.
        ends: 95 % interval of its accuracy.

    Returns:
        cells: The method's name and its figures.
    """
    point = results["methods"][name]
    paper = PAPER_ACCURACY.get(name, (None, None))
    return (
        name,
        f"{percent(point['accuracy'])} ({percent_interval(ends)})",
        *("–" if figure is None else f"{figure:.2f} %" for figure in paper),
        percent(point["balanced_accuracy"]),
        percent(point["overkill_rate"]),
        percent(point["escape_rate"]),
        number(results["auroc"][name]),
    )


def accuracies(
    results: dict[str, Any],
    shares: dict[str, float],
    ends: dict[str, list[float]],
    others: Sequence[str],
) -> str:
    """Words for Table III.

    Args:
        results: The content of `results.json`.
        shares: Accuracy of each method.
        ends: Their 95 % intervals.
        others: The methods that the paper has beside its own.
    """
    ours = shares[ANOMALY.name]
    words = [
        f"Ours: {percent(ours)} (95 %: "
        f"{interval(ends[ANOMALY.name])}) of "
        f"{results['num_test_qualified']} qualified and "
        f"{results['num_test_defective']} defective test images; all methods "
        "have the same split and calibration."
    ]
    for name in [*others, "pca_reconstruction"]:
        separate = (
            ends[ANOMALY.name][0] > ends[name][1]
            or ends[ANOMALY.name][1] < ends[name][0]
        )
        words.append(
            f"{name}: {percent(shares[name])}, "
            f"{'lower' if shares[name] < ours else 'not lower'}"
            f"{'' if separate else ' (the intervals overlap)'}."
        )
    trivial = max(
        ("darkness", "minimum", "deviation"), key=lambda name: shares[name]
    )
    words.append(
        f"The best trivial statistic, {trivial}, reaches "
        f"{percent(shares[trivial])}."
    )
    return " ".join(words)
