"""Compares the detector with AnoGAN's latent search.

Both use the same generator and the same test images. AnoGAN's search runs as
its authors run it, one image at a time, and also in batches, which give the
same scores, since each image has a start of its own. It is compiled and gets
decoded images, both in its favour; ours goes from PNG files to verdicts. Runs
alternate, so that a shared machine does not tilt the ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ganad_tf.benchmark import timing
from ganad_tf.benchmark.anogan import AnoGanSearch
from ganad_tf.benchmark.trained_model import TrainedModel
from ganad_tf.data.dataset import ImageFile
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.evaluation import metrics

_NUM_SINGLE = 2  # images per run that are searched for one at a time
_BATCH_SIZE = 64
_OTHER_NUM_STEPS = 10  # of our inversion, as a second setting

# Function and the number of images that one call of it scores.
Work = tuple[Callable[[], object], int]


def measure(
    model: TrainedModel, *, num_images: int, num_steps: int, num_runs: int
) -> dict[str, timing.Figure]:
    """Compares speed and AUROC.

    Args:
        model: Trained and fitted model.
        num_images: Test images, drawn evenly from both labels.
        num_steps: Steps of AnoGAN's search.
        num_runs: Measured runs of each method.

    Returns:
        figures: Images/s of each method, with the ratio to the one-at-a-time
            search, the AUROC, and the 95 % bootstrap interval of its difference
            to that of the search.
    """
    detectors = {
        f"ours, {detector.inverter.num_steps} steps, PNG to verdict": detector
        for detector in (model.detector, model.refit(_OTHER_NUM_STEPS))
    }
    files = draw_evenly(model.split.test, num_images)
    return compare(
        AnoGanSearch(model.detector.gan, num_steps),
        detectors,
        model.batches(files, _BATCH_SIZE),
        labels=np.array([file.label for file in files]),
        num_runs=num_runs,
    )


def draw_evenly(files: Sequence[ImageFile], count: int) -> list[ImageFile]:
    """Draws half of `count` files of each label, evenly spaced in order."""
    drawn = []
    for label in (0, 1):
        of_label = [file for file in files if file.label == label]
        number = min(count // 2, len(of_label))
        rows = np.linspace(0, len(of_label) - 1, number).astype(int)
        drawn += [of_label[row] for row in rows]
    return drawn


def compare(
    search: AnoGanSearch,
    detectors: dict[str, OneClassDetector],
    batches: tf.data.Dataset,
    *,
    labels: np.ndarray,
    num_runs: int,
) -> dict[str, timing.Figure]:
    """Compares the search with detectors on the same images.

    Args:
        search: AnoGAN's search.
        detectors: Fitted detectors by name.
        batches: Images (batch, height, width, channels) in [-1, 1], as the
            detectors take them; the search gets them at the GAN's size.
        labels: Integers of shape (n,), 0 qualified, 1 defective; both occur.
        num_runs: Measured runs of each method.

    Returns:
        figures: As of `measure`.
    """
    to_network = next(iter(detectors.values())).to_network
    images = np.concatenate([to_network(batch) for batch in batches])
    starts = search.gan.sample_latents(len(images), seed=tf.constant([0, 0]))

    def search_singly() -> np.ndarray:
        scores = [
            search.scores(images[row : row + 1], starts[row : row + 1])
            for row in range(_NUM_SINGLE)
        ]
        return np.concatenate(scores)

    single = f"AnoGAN search, {search.num_steps} steps, one at a time"
    works = {single: (search_singly, _NUM_SINGLE)} | {
        name: (lambda one=one: one.detect_batches(batches), len(images))
        for name, one in detectors.items()
    }
    rates = _alternating_rates(works, num_runs)
    search_scores, batched_rates = _search_in_batches(search, images, starts)
    rates[f"AnoGAN search, batches of {_BATCH_SIZE}"] = batched_rates
    scores = dict.fromkeys(rates, search_scores) | {
        name: detector.detect_batches(batches).anomaly_scores
        for name, detector in detectors.items()
    }
    figures = _figures(rates, labels, scores)
    deviations = np.abs(search_singly() / search_scores[:_NUM_SINGLE] - 1.0)
    figures[f"{single}, images/s"] |= {
        "relative deviation from batched scores": float(deviations.max()),
        "test images": len(images),
    }
    return figures


def _alternating_rates(
    works: dict[str, Work], num_runs: int
) -> dict[str, list[float]]:
    """Images per second of each run, by name."""
    rates = {name: [] for name in works}
    for run in range(1 + num_runs):
        for name, (work, count) in works.items():
            start = time.perf_counter()
            work()
            if run > 0:  # the first one traces and warms up
                rates[name].append(count / (time.perf_counter() - start))
    return rates


def _search_in_batches(
    search: AnoGanSearch, images: np.ndarray, starts: tf.Tensor
) -> tuple[np.ndarray, list[float]]:
    """Scores of all images, and images/s of each full batch."""
    scores, rates = [], []
    for row in range(0, len(images), _BATCH_SIZE):
        rows = slice(row, row + _BATCH_SIZE)
        start = time.perf_counter()
        scores.append(search.scores(images[rows], starts[rows]).numpy())
        rates.append(len(scores[-1]) / (time.perf_counter() - start))
    return np.concatenate(scores), rates[: max(len(images) // _BATCH_SIZE, 1)]


def _figures(
    rates: dict[str, list[float]],
    labels: np.ndarray,
    scores: dict[str, np.ndarray],
) -> dict[str, timing.Figure]:
    """Figures of all methods; the first one is what others are compared to."""
    reference, *_ = rates
    figures = {}
    for name, values in rates.items():
        interval = metrics.auroc_difference_ci95(
            labels, scores[name], scores[reference], seed=0
        )
        figures[f"{name}, images/s"] = {
            **timing.summarize(values),
            "times the one-at-a-time search": float(
                np.median(values) / np.median(rates[reference])
            ),
            "AUROC": metrics.auroc(labels, scores[name]),
            "AUROC minus the search's, 95 %": " to ".join(
                f"{bound:+.3f}" for bound in interval
            ),
        }
    return figures
