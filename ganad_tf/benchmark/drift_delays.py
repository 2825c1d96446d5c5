"""How soon a monitor tells a drift that was made from real images.

A detector measures held-out good images as they are, and with each drift. In a
draw, half of the images calibrate; the others make a line that first is
unchanged and then has drifted, or has defects. No label is used, but to make
the line with defects.
"""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from ganad_tf.benchmark import drifts
from ganad_tf.benchmark.trained_model import TrainedModel
from ganad_tf.data import grouping
from ganad_tf.data.image_tensors import to_uint8
from ganad_tf.detector.calibration import conformal_p_values
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.fusion import PartFusion
from ganad_tf.evaluation import formatting
from ganad_tf.production import appearance
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


class Seen(NamedTuple):
    """Images as a detector sees them, and as they look; a row each."""

    log_parts: np.ndarray  # (n, num_parts), logarithms
    looks: np.ndarray  # (n, len(LOOKS))

    def rows(self, rows) -> Seen:
        """Some of the images."""
        return Seen(*(values[rows] for values in self))


def measure(model: TrainedModel) -> dict[str, Seen]:
    """Measures held-out good images with every drift, and defective ones.

    Args:
        model: `TrainedModel`.

    Returns:
        seen: By drift; rows of all drifts are of the same images, those of
            `DEFECTS` of others.
    """
    held_out = model.split.calibration + model.split.test_qualified
    files, _ = grouping.one_of_each(held_out, 0, grouping.things_of(held_out))
    kinds = {UNCHANGED: lambda images: images} | drifts.all_drifts()
    measured = {
        name: see(model.detector, map(drift, model.batches(files)))
        for name, drift in kinds.items()
    }
    if model.split.test_defective:
        batches = model.batches(model.split.test_defective)
        measured[DEFECTS] = see(model.detector, batches)
    return measured


def see(detector: OneClassDetector, batches: Iterable[tf.Tensor]) -> Seen:
    """Measures images.

    Args:
        detector: Fitted `OneClassDetector`.
        batches: Of images, as `OneClassDetector.detect` takes them.

    Returns:
        seen: `Seen`; its Frechet scores are those of the latents alone.
    """
    seen = []
    for images in batches:
        measures = detector.measure_batch(images)
        columns = (measures.frechet_scores, measures.reconstruction_errors)
        first_sight = [_first_sight(pixels) for pixels in to_uint8(images)]
        looks = np.column_stack([*columns, first_sight])
        seen.append((np.asarray(measures.log_parts), looks))
    return Seen(*map(np.concatenate, zip(*seen, strict=True)))


def _first_sight(pixels: np.ndarray) -> appearance.Appearance:
    shown = np.squeeze(pixels, -1) if pixels.shape[-1] == 1 else pixels
    return appearance.appearance(Image.fromarray(shown))


def simulate(
    seen: Mapping[str, Seen],
    weights: np.ndarray,
    *,
    num_lines: int,
    seed: int,
) -> list[Delays]:
    """Runs lines of every drift past the monitor.

    Args:
        seen: Of `measure`.
        weights: Floats of shape (num_parts,), of `PartFusion`.
        num_lines: Lines of each drift.
        seed: Of the draws.

    Returns:
        delays: `Delays` of each drift; of `UNCHANGED`, whose lines are
            permutations of real images, false alarms.
    """
    outcomes = []
    for name, changed in seen.items():
        generator = np.random.default_rng([seed, len(outcomes)])
        lines = [
            _line(seen[UNCHANGED], changed, name, weights, generator)
            for _ in range(num_lines)
        ]
        outcomes.append(_outcome(name, lines))
    return outcomes


def _line(good, changed, name: str, weights, generator):
    """What the monitor says of a line, and the image at which it changed."""
    order = generator.permutation(len(good.log_parts))
    half = len(order) // 2
    fusion = PartFusion(weights)
    calibration = fusion.fit(good.log_parts[order[:half]])
    spare = order[half:]
    if name == UNCHANGED:
        line, start = good.rows(spare), len(spare)
    else:
        start = len(spare) // 2
        after = _after(good, changed, name, spare[start:], generator)
        before = good.rows(spare[:start])
        line = Seen(*map(np.concatenate, zip(before, after, strict=True)))
    scores = np.asarray(fusion.fuse(line.log_parts), np.float64)
    monitored = line_monitor.monitor(
        conformal_p_values(calibration, scores),
        scores,
        [str(number) for number in range(len(scores))],
        num_calibration=half,
        looks=dict(zip(appearance.LOOKS, line.looks.T, strict=True)),
    )
    return monitored, start


def _after(good: Seen, changed: Seen, name: str, rows, generator) -> Seen:
    """Images after the change."""
    drawn = generator.choice(rows, NUM_AFTER)
    if name != DEFECTS:
        return changed.rows(drawn)
    defective = generator.uniform(size=[NUM_AFTER, 1]) < _DEFECT_RATE
    defects = changed.rows(generator.choice(len(changed.log_parts), NUM_AFTER))
    pairs = zip(defects, good.rows(drawn), strict=True)
    return Seen(*(np.where(defective, *pair) for pair in pairs))


def _outcome(name: str, lines) -> Delays:
    verdicts = [monitored.verdict for monitored, _ in lines]
    return Delays(
        name,
        {verdict: verdicts.count(verdict) for verdict in _HEADER[1:4]},
        _delay(lines, ("any", "moved")),
        _delay(lines, ("moved",)),
    )


def _delay(lines, kinds: Container[str]) -> float | None:
    delays = [
        min(
            (a.step - start + 1 for a in monitored.alarms if a.kind in kinds),
            default=np.inf,
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
