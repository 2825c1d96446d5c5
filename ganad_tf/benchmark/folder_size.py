"""Time and peak memory by the number of images in a folder.

Each folder is read in a process of its own, as the tools read it: the scan,
scoring to verdicts, and an epoch of training images. Training images are kept
decoded in a temporary file; scoring keeps scalars.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from ganad_tf.benchmark import process_memory
from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import timing
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.detector.detection import Detection

_TRAINING_BATCH_SIZE = 32


class FolderCost(NamedTuple):
    """What reading a folder took."""

    seconds: timing.Figure  # of scoring all images
    peaks: timing.Figure  # peak memory after each stage, MB


def measure(
    counts: Sequence[int], *, num_runs: int
) -> dict[str, timing.Figure]:
    """Measures folders of several sizes.

    Args:
        counts: Numbers of images, at least two different ones.
        num_runs: Measured runs of scoring, of which three at most are done.

    Returns:
        figures: Seconds of scoring, peak memory in MB, and the growth exponent
            of the seconds.
    """
    costs = {count: _read_in_new_process(count, num_runs) for count in counts}
    figures = {}
    for count, cost in costs.items():
        figures[f"scoring {count} images, s"] = cost.seconds
        figures[f"peak memory, {count} images, MB"] = cost.peaks
    seconds = [cost.seconds["median"] for cost in costs.values()]
    exponent = timing.growth_exponent(list(counts), seconds)
    figures["number of images, growth exponent"] = {"median": exponent}
    return figures


def _read_in_new_process(count: int, num_runs: int) -> FolderCost:
    # A forked process would start with the memory of this one.
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=context) as pool,
    ):
        synthetic.write_pngs(folder, count)
        return pool.submit(read_folder, folder, num_runs).result()


def read_folder(folder: str, num_runs: int) -> FolderCost:
    """Reads a folder as scoring and training do, in this process.

    Args:
        folder: At least 54 gray 64x64 images, of which 32 are for training.
        num_runs: Measured runs of scoring, of which three at most are done.

    Returns:
        cost: `FolderCost`.
    """
    peaks = {"at the start": process_memory.peak_megabytes()}
    files = dataset.scan_images(dataset.list_images(folder))
    peaks["scan"] = process_memory.peak_megabytes()
    seconds = _scoring([file.path for file in files], min(3, num_runs))
    peaks["scoring"] = process_memory.peak_megabytes()
    _read_epoch([f.path for f in dataset.split_images(files, seed=0).train])
    peaks["training epoch"] = process_memory.peak_megabytes()
    return FolderCost(seconds, peaks)


def _scoring(paths: list[str], num_runs: int) -> timing.Figure:
    """Seconds of scoring all files."""
    detector = synthetic.fit_detector(synthetic.build_gan())
    batches = image_tensors.image_dataset(paths, **synthetic.IMAGE_FORMAT)
    detector.detect_batches(batches.take(2), keep=_scalars)  # traces
    seconds = []
    for _ in range(num_runs):
        start = time.perf_counter()
        detector.detect_batches(batches, keep=_scalars)
        seconds.append(time.perf_counter() - start)
    return timing.summarize(seconds)


def _scalars(detection: Detection) -> Detection:
    return detection._replace(
        reconstructions=None, anomaly_maps=None, latents=None, descriptors=None
    )


def _read_epoch(paths: list[str]) -> None:
    epoch = image_tensors.training_dataset(
        paths,
        batch_size=_TRAINING_BATCH_SIZE,
        seed=0,
        **synthetic.IMAGE_FORMAT,
    )
    for _ in epoch.take(len(paths) // _TRAINING_BATCH_SIZE):
        pass
