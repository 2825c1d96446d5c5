"""False alarms of the whole detector, over many draws of calibration images.

Qualified images are measured once by a fitted detector. In each draw, n of them
calibrate it (fusion of the parts, then p-values; scale of the maps, then the
level of a region) and it judges all others. The rate of false alarms, on
average over draws, is at most alpha if the verdict keeps its promise; so is the
rate of images with a region.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganad_tf.benchmark import drawn_parts
from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark.trained_model import TrainedModel
from ganad_tf.data import grouping
from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.calibration import means_without_each
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.fitting import PIXEL_TAIL
from ganad_tf.detector.fusion import PartFusion
from ganad_tf.errors import UserError
from ganad_tf.evaluation import formatting
from ganad_tf.evaluation import metrics

# Calibration images of a draw, and false-alarm rates that are promised.
COUNTS = (19, 39, 99, 400)
ALPHAS = (0.01, 0.05, 0.1)
_BATCH_SIZE = 50
_NUM_TRAINING = 200
_HEADER = (
    "calibration images",
    "alpha",
    "false alarms",
    "at most alpha",
    "draws below, above the expected 95 %",
    "false alarms if scaled by themselves",
    "good images with a region",
)


class Measured(NamedTuple):
    """Different qualified images that nothing was fitted to, as measured."""

    log_parts: np.ndarray  # (num_images, num_parts), logarithms
    weights: np.ndarray  # (num_parts,), of `PartFusion`
    maps: np.ndarray  # (num_images, num_pixels, num_maps), not scaled

    @property
    def num_images(self) -> int:
        return len(self.log_parts)


class Outcome(NamedTuple):
    """What draws of so many calibration images give; None where none can."""

    num_calibration: int
    alpha: float
    obstacle: str | None = None  # why no draw says anything
    num_judged: int | None = None  # images that are judged in a draw
    rate: float | None = None  # false alarms among them, mean over draws
    standard_error: float | None = None  # of that mean, by chance of the draws
    # Draws whose rate is below or above `metrics.expected_rate95`.
    share_below: float | None = None
    share_above: float | None = None
    # The same, if each calibration image had a share in its own scale.
    naive_rate: float | None = None
    naive_standard_error: float | None = None
    # Images whose map reaches the level of a region anywhere.
    region_rate: float | None = None
    region_standard_error: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether both rates are at most alpha, within 3 standard errors."""
        rates = (
            (self.rate, self.standard_error),
            (self.region_rate, self.region_standard_error),
        )
        return all(rate <= self.alpha + 3.0 * error for rate, error in rates)


def measure_drawn_parts(num_images: int, *, seed: int) -> Measured:
    """Measures parts that a program draws, by a detector of such parts.

    All that the detector consists of is fitted to training images of its own;
    networks have random weights, since rates do not depend on how well it sees.

    Args:
        num_images: How many qualified images are drawn.
        seed: Of the drawing.

    Returns:
        measured: `Measured` images.
    """
    seeds = np.random.SeedSequence(seed).generate_state(3)
    training, spare, images = (
        drawn_parts.make_parts(count, seed=int(own_seed))
        for own_seed, count in zip(
            seeds, (_NUM_TRAINING, 20, num_images), strict=True
        )
    )
    detector = synthetic.fit_small_detector(training, spare)
    return measure(detector, _batches(images))


def measure_held_out(model: TrainedModel) -> Measured:
    """Measures the qualified images that a trained model has not seen.

    Args:
        model: `TrainedModel`; its calibration and qualified test images are
            measured, one of each group.

    Returns:
        measured: `Measured` images.
    """
    held_out = model.split.calibration + model.split.test_qualified
    things = grouping.things_of(held_out)
    files, _ = grouping.one_of_each(held_out, 0, things)
    return measure(model.detector, model.batches(files))


def _batches(images: np.ndarray) -> list[np.ndarray]:
    starts = range(0, len(images), _BATCH_SIZE)
    return [images[start : start + _BATCH_SIZE] for start in starts]


def measure(
    detector: OneClassDetector, batches: Iterable[tf.Tensor]
) -> Measured:
    """Measures images, as the detector does before it is calibrated.

    Args:
        detector: Fitted `OneClassDetector`.
        batches: Of images, as `OneClassDetector.detect` takes them.

    Returns:
        measured: `Measured` images.
    """
    rows = [
        (measures.log_parts, measures.maps)
        for measures in map(detector.measure_batch, batches)
    ]
    log_parts, maps = map(np.concatenate, zip(*rows, strict=True))
    pixels = maps.reshape(len(maps), -1, maps.shape[-1])
    return Measured(log_parts, detector.fusion_.weights, pixels)


def simulate(
    measured: Measured,
    *,
    num_draws: int,
    seed: int,
    counts: Sequence[int] = COUNTS,
    alphas: Sequence[float] = ALPHAS,
) -> list[Outcome]:
    """Calibrates by random images, and counts false alarms among the others.

    Args:
        measured: `Measured` images.
        num_draws: Draws for each of `counts`, at least 2.
        seed: Of the draws.
        counts: Numbers of calibration images.
        alphas: False-alarm rates that are promised.

    Returns:
        outcomes: One for each of `counts` and `alphas`.

    Raises:
        UserError: If there are not more images than the least of `counts`.
    """
    if measured.num_images <= min(counts):
        raise UserError(
            f"Too few qualified images: expected more than {min(counts)}, of "
            f"which {min(counts)} calibrate. Received: {measured.num_images}"
        )
    tails = np.quantile(measured.maps, PIXEL_TAIL, axis=1) + 1e-6
    outcomes = []
    for count in counts:
        generator = np.random.default_rng([seed, count])
        possible = [a for a in alphas if not _obstacle(measured, count, a)]
        rates = [
            _rates(measured, tails, generator, count, possible)
            for _ in range(num_draws if possible else 0)
        ]
        found = {a: np.array(rates)[:, k] for k, a in enumerate(possible)}
        outcomes += [
            _outcome(measured, count, alpha, found.get(alpha))
            for alpha in alphas
        ]
    return outcomes


def _obstacle(measured: Measured, count: int, alpha: float) -> str | None:
    if measured.num_images <= count:
        return f"there are only {measured.num_images} images"
    least = 1.0 / (count + 1)
    if least > alpha + 1e-9:
        return f"refused: no p-value is below {least:.3g}"
    return None


def _rates(
    measured: Measured,
    tails: np.ndarray,
    generator: np.random.Generator,
    count: int,
    alphas: Sequence[float],
) -> list[tuple[float, float, float]]:
    """Rates of one draw at each alpha.

    Of false alarms as it is done, of the naive way, and of regions.
    """
    order = generator.permutation(measured.num_images)
    calibration, others = order[:count], order[count:]
    fusion = PartFusion(measured.weights)
    as_new = fusion.fit(measured.log_parts[calibration])
    naive = fusion.fuse(measured.log_parts[calibration]).numpy()
    scores = fusion.fuse(measured.log_parts[others]).numpy()
    peaks = _peaks(measured.maps, calibration, others, tails)
    pairs = ((as_new, scores), (naive, scores), peaks)
    return [
        tuple(
            ConformalCalibrator(alpha=alpha).fit(of).is_defective(new).mean()
            for of, new in pairs
        )
        for alpha in alphas
    ]


def _peaks(maps, calibration, others, tails) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of the maps of calibration images, as if new, and of others."""
    by_others = means_without_each(tails[calibration])
    own = [
        np.max(maps[row] @ np.float32(1 / scale))
        for row, scale in zip(calibration, by_others, strict=True)
    ]
    scale = np.float32(1 / tails[calibration].mean(axis=0))
    return np.array(own), np.max(maps @ scale, axis=1)[others]


def _outcome(
    measured: Measured, count: int, alpha: float, rates: np.ndarray | None
) -> Outcome:
    """The outcome of draws with rates (num_draws, 3), if there are any."""
    if rates is None:
        obstacle = _obstacle(measured, count, alpha)
        return Outcome(count, alpha, obstacle)
    num_judged = measured.num_images - count
    low, high = metrics.expected_rate95(
        alpha, num_calibration=count, num_images=num_judged
    )
    mean, naive_mean, region_mean = map(float, rates.mean(axis=0))
    errors = rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    error, naive_error, region_error = map(float, errors)
    return Outcome(
        count,
        alpha,
        num_judged=num_judged,
        rate=mean,
        standard_error=error,
        share_below=float(np.mean(rates[:, 0] < low)),
        share_above=float(np.mean(rates[:, 0] > high)),
        naive_rate=naive_mean,
        naive_standard_error=naive_error,
        region_rate=region_mean,
        region_standard_error=region_error,
    )


def markdown(outcomes: Iterable[Outcome]) -> str:
    """Outcomes as a Markdown table, rates with their standard errors."""
    return formatting.markdown_table(_HEADER, [_row(one) for one in outcomes])


def _row(outcome: Outcome) -> tuple[str, ...]:
    start = (str(outcome.num_calibration), f"{outcome.alpha:g}")
    if outcome.obstacle is not None:
        return (*start, outcome.obstacle, "–", "–", "–", "–")
    return (
        *start,
        f"{outcome.rate:.4f} ± {outcome.standard_error:.4f}",
        "yes" if outcome.is_kept else "**no**",
        f"{formatting.percent(outcome.share_below)}, "
        f"{formatting.percent(outcome.share_above)}",
        f"{outcome.naive_rate:.4f} ± {outcome.naive_standard_error:.4f}",
        f"{outcome.region_rate:.4f} ± {outcome.region_standard_error:.4f}",
    )
