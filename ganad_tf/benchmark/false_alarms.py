"""False alarms of the whole detector, over many draws of calibration images.

Qualified images are measured once by a fitted detector. In each draw, n of them
calibrate it (fusion of the parts, then p-values) and it judges all others. The
rate of false alarms, on average over draws, is at most alpha if the verdict
keeps its promise.
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
from ganad_tf.detector.detector import OneClassDetector
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
)


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

    @property
    def is_kept(self) -> bool:
        """Whether the rate is at most alpha, within three standard errors."""
        return self.rate <= self.alpha + 3.0 * self.standard_error


def measure_drawn_parts(
    num_images: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Measures parts that a program draws, by a detector of such parts.

    All that the detector consists of is fitted to training images of its own;
    networks have random weights, since rates do not depend on how well it sees.

    Args:
        num_images: How many qualified images are drawn.
        seed: Of the drawing.

    Returns:
        log_parts: As of `log_parts_of`.
        weights: float32 of shape (num_parts,), of the parts in the score.
    """
    seeds = np.random.SeedSequence(seed).generate_state(3)
    training, spare, images = (
        drawn_parts.make_parts(count, seed=int(own_seed))
        for own_seed, count in zip(
            seeds, (_NUM_TRAINING, 20, num_images), strict=True
        )
    )
    detector = synthetic.fit_small_detector(training, spare)
    return log_parts_of(detector, _batches(images)), detector.fusion_.weights


def parts_of_model(model: TrainedModel) -> tuple[np.ndarray, np.ndarray]:
    """Measures the qualified images that a trained model has not seen.

    Args:
        model: `TrainedModel`; its calibration and qualified test images are
            measured, one of each group.

    Returns:
        log_parts: As of `log_parts_of`.
        weights: float32 of shape (num_parts,), of the parts in the score.
    """
    held_out = model.split.calibration + model.split.test_qualified
    things = grouping.things_of(held_out)
    files, _ = grouping.one_of_each(held_out, 0, things)
    log_parts = log_parts_of(model.detector, model.batches(files))
    return log_parts, model.detector.fusion_.weights


def _batches(images: np.ndarray) -> list[np.ndarray]:
    starts = range(0, len(images), _BATCH_SIZE)
    return [images[start : start + _BATCH_SIZE] for start in starts]


def log_parts_of(
    detector: OneClassDetector, batches: Iterable[tf.Tensor]
) -> np.ndarray:
    """Measures images, as the detector does before it is calibrated.

    Args:
        detector: Fitted `OneClassDetector`.
        batches: Of images, as `OneClassDetector.detect` takes them.

    Returns:
        log_parts: float32 of shape (num_images, num_parts), logarithms of
            the parts of the anomaly score.
    """

    def measure(images: tf.Tensor) -> tf.Tensor:
        return detector.measure(images, detector.invert(images)).log_parts

    spec = tf.TensorSpec([None, *detector.image_shape])
    measure = tf.function(measure, input_signature=[spec])
    return np.concatenate([measure(images) for images in batches])


def simulate(
    log_parts: np.ndarray,
    weights: np.ndarray,
    *,
    num_draws: int,
    seed: int,
    counts: Sequence[int] = COUNTS,
    alphas: Sequence[float] = ALPHAS,
) -> list[Outcome]:
    """Calibrates by random images, and counts false alarms among the others.

    Args:
        log_parts: Floats of shape (num_images, num_parts), of different
            qualified images that nothing was fitted to.
        weights: Floats of shape (num_parts,), of `PartFusion`.
        num_draws: Draws for each of `counts`, at least 2.
        seed: Of the draws.
        counts: Numbers of calibration images.
        alphas: False-alarm rates that are promised.

    Returns:
        outcomes: One for each of `counts` and `alphas`.

    Raises:
        UserError: If there are not more images than the least of `counts`.
    """
    if len(log_parts) <= min(counts):
        raise UserError(
            f"Too few qualified images: expected more than {min(counts)}, of "
            f"which {min(counts)} calibrate. Received: {len(log_parts)}"
        )
    outcomes = []
    for count in counts:
        generator = np.random.default_rng([seed, count])
        possible = [a for a in alphas if not _obstacle(log_parts, count, a)]
        rates = [
            _rates(generator.permutation(log_parts), weights, count, possible)
            for _ in range(num_draws if possible else 0)
        ]
        found = {a: np.array(rates)[:, k] for k, a in enumerate(possible)}
        outcomes += [
            _outcome(log_parts, count, alpha, found.get(alpha))
            for alpha in alphas
        ]
    return outcomes


def _obstacle(log_parts: np.ndarray, count: int, alpha: float) -> str | None:
    if len(log_parts) <= count:
        return f"there are only {len(log_parts)} images"
    least = 1.0 / (count + 1)
    if least > alpha + 1e-9:
        return f"refused: no p-value is below {least:.3g}"
    return None


def _rates(
    log_parts: np.ndarray,
    weights: np.ndarray,
    count: int,
    alphas: Sequence[float],
) -> list[tuple[float, float]]:
    """Rates of one draw at each alpha: as it is done, and the naive one."""
    fusion = PartFusion(weights)
    calibration, others = log_parts[:count], log_parts[count:]
    as_new = fusion.fit(calibration)
    naive = fusion.fuse(calibration).numpy()
    scores = fusion.fuse(others).numpy()
    return [
        tuple(
            ConformalCalibrator(alpha=alpha).fit(of).is_defective(scores).mean()
            for of in (as_new, naive)
        )
        for alpha in alphas
    ]


def _outcome(
    log_parts: np.ndarray, count: int, alpha: float, rates: np.ndarray | None
) -> Outcome:
    """The outcome of draws with rates (num_draws, 2), if there are any."""
    if rates is None:
        obstacle = _obstacle(log_parts, count, alpha)
        return Outcome(count, alpha, obstacle)
    num_judged = len(log_parts) - count
    low, high = metrics.expected_rate95(
        alpha, num_calibration=count, num_images=num_judged
    )
    mean, naive_mean = rates.mean(axis=0)
    error, naive_error = rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    return Outcome(
        count,
        alpha,
        num_judged=num_judged,
        rate=float(mean),
        standard_error=float(error),
        share_below=float(np.mean(rates[:, 0] < low)),
        share_above=float(np.mean(rates[:, 0] > high)),
        naive_rate=float(naive_mean),
        naive_standard_error=float(naive_error),
    )


def markdown(outcomes: Iterable[Outcome]) -> str:
    """Outcomes as a Markdown table, rates with their standard errors."""
    return formatting.markdown_table(_HEADER, [_row(one) for one in outcomes])


def _row(outcome: Outcome) -> tuple[str, ...]:
    start = (str(outcome.num_calibration), f"{outcome.alpha:g}")
    if outcome.obstacle is not None:
        return (*start, outcome.obstacle, "–", "–", "–")
    return (
        *start,
        f"{outcome.rate:.4f} ± {outcome.standard_error:.4f}",
        "yes" if outcome.is_kept else "**no**",
        f"{formatting.percent(outcome.share_below)}, "
        f"{formatting.percent(outcome.share_above)}",
        f"{outcome.naive_rate:.4f} ± {outcome.naive_standard_error:.4f}",
    )
