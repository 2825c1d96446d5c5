"""How soon a monitor tells a drift that was made from real images.

A detector measures held-out good images as they are, and with each drift. In a
draw, half of the images calibrate; the others make a line that first is
unchanged and then has drifted, or has defects. No label is used, but to make
the line with defects.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ganad_tf.benchmark import drifts
from ganad_tf.benchmark import false_alarms
from ganad_tf.benchmark.trained_model import TrainedModel
from ganad_tf.data import grouping
from ganad_tf.detector.calibration import conformal_p_values
from ganad_tf.detector.fusion import PartFusion
from ganad_tf.evaluation import formatting
from ganad_tf.production import line_monitor

UNCHANGED, DEFECTS = "unchanged", "10 % defects"
# Images after the change, drawn again and again from the drifted ones.
NUM_AFTER = 300
_DEFECT_RATE = 0.1
_HEADER = (
    "drift",
    *("unchanged", "more defects", "moved"),
    "images until any alarm",
    "images until moved",
)


class Delays(NamedTuple):
    """What the monitor said of the lines of one drift."""

    drift: str
    verdicts: dict[str, int]  # lines by verdict
    any_delay: float | None  # median images; None if fewer than half alarmed
    moved_delay: float | None


def measure(model: TrainedModel) -> dict[str, np.ndarray]:
    """Measures held-out good images with every drift, and defective ones.

    Args:
        model: `TrainedModel`.

    Returns:
        log_parts: As of `false_alarms.log_parts_of`, by drift; rows of all
            drifts are of the same images, those of `DEFECTS` of others.
    """
    held_out = model.split.calibration + model.split.test_qualified
    files, _ = grouping.one_of_each(held_out, 0, grouping.things_of(held_out))
    kinds = {UNCHANGED: lambda images: images} | drifts.all_drifts()
    measured = {
        name: false_alarms.log_parts_of(
            model.detector, map(drift, model.batches(files))
        )
        for name, drift in kinds.items()
    }
    if model.split.test_defective:
        measured[DEFECTS] = false_alarms.log_parts_of(
            model.detector, model.batches(model.split.test_defective)
        )
    return measured


def simulate(
    log_parts: Mapping[str, np.ndarray],
    weights: np.ndarray,
    *,
    num_lines: int,
    seed: int,
) -> list[Delays]:
    """Runs lines of every drift past the monitor.

    Args:
        log_parts: Of `measure`.
        weights: Floats of shape (num_parts,), of `PartFusion`.
        num_lines: Lines of each drift.
        seed: Of the draws.

    Returns:
        delays: `Delays` of each drift; of `UNCHANGED`, whose lines are
            permutations of real images, false alarms.
    """
    outcomes = []
    for name, changed in log_parts.items():
        generator = np.random.default_rng([seed, len(outcomes)])
        lines = [
            _line(log_parts[UNCHANGED], changed, name, weights, generator)
            for _ in range(num_lines)
        ]
        outcomes.append(_outcome(name, lines))
    return outcomes


def _line(good, changed, name: str, weights, generator):
    """What the monitor says of a line, and the image at which it changed."""
    order = generator.permutation(len(good))
    half = len(order) // 2
    fusion = PartFusion(weights)
    calibration = fusion.fit(good[order[:half]])
    spare = order[half:]
    if name == UNCHANGED:
        line, start = good[spare], len(spare)
    else:
        start = len(spare) // 2
        after = _after(good, changed, name, spare[start:], generator)
        line = np.concatenate([good[spare[:start]], after])
    scores = np.asarray(fusion.fuse(line), np.float64)
    monitored = line_monitor.monitor(
        conformal_p_values(calibration, scores),
        scores,
        [str(number) for number in range(len(scores))],
        num_calibration=half,
    )
    return monitored, start


def _after(good, changed, name: str, rows, generator) -> np.ndarray:
    """Images after the change."""
    drawn = generator.choice(rows, NUM_AFTER)
    if name != DEFECTS:
        return changed[drawn]
    defective = generator.uniform(size=NUM_AFTER) < _DEFECT_RATE
    drawn_defects = generator.choice(len(changed), NUM_AFTER)
    return np.where(defective[:, None], changed[drawn_defects], good[drawn])


def _outcome(name: str, lines) -> Delays:
    verdicts = [monitored.verdict for monitored, _ in lines]
    return Delays(
        name,
        {verdict: verdicts.count(verdict) for verdict in _HEADER[1:4]},
        _delay(lines, "any"),
        _delay(lines, "moved"),
    )


def _delay(lines, kind: str) -> float | None:
    delays = [
        next(
            (a.step - start + 1 for a in monitored.alarms if a.kind == kind),
            np.inf,
        )
        for monitored, start in lines
    ]
    median = float(np.median(delays))
    return median if np.isfinite(median) else None


def markdown(outcomes: Iterable[Delays]) -> str:
    """A Markdown table of delays: lines by verdict, and medians."""
    return formatting.markdown_table(
        _HEADER,
        [
            (
                outcome.drift,
                *(str(outcome.verdicts[name]) for name in _HEADER[1:4]),
                formatting.number(outcome.any_delay, 0),
                formatting.number(outcome.moved_delay, 0),
            )
            for outcome in outcomes
        ],
    )
