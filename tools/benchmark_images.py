"""Measures time and peak memory against the number of images.

    python tools/benchmark_images.py --num_images=1000,10000

writes folders of so many PNG images and reads each in a process of its own, as
the tools do: the scan, an epoch of training images, and scoring to verdicts.
Prints one JSON: seconds of scoring with the fitted growth exponent, and peak
memory after each stage. Training images are kept decoded up to 1 GiB, beyond
in a temporary file; scoring keeps scalars alone.
"""

import json
import subprocess
import sys
import tempfile
import time

from absl import flags

import benchmark_cli
import cli
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.detector.detection import Detection

_NUM_IMAGES = flags.DEFINE_list(
    "num_images", ["1000", "10000"], "Sizes of the folders."
)
_FOLDER = flags.DEFINE_string(
    "folder", None, "Only read this folder, and print what it took."
)
_SIZE = {"image_size": 64, "channels": 1}


def _peak_megabytes() -> float:
    """Linux' own count; `getrusage` would add that of the parent process."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _scalars(detection: Detection) -> Detection:
    return detection._replace(
        reconstructions=None, anomaly_maps=None, latents=None
    )


def _scoring(paths: list[str]) -> benchmark_cli.Figure:
    """Seconds of scoring all files, by three runs at the most."""
    fitted = benchmark_cli.fit_detector(benchmark_cli.build_gan())
    batches = image_tensors.image_dataset(paths, **_SIZE)
    fitted.detect_batches(batches.take(2), keep=_scalars)  # traces
    seconds = []
    for _ in range(min(3, benchmark_cli.num_runs())):
        start = time.perf_counter()
        fitted.detect_batches(batches, keep=_scalars)
        seconds.append(time.perf_counter() - start)
    return benchmark_cli.spread(seconds)


def _read(folder: str) -> dict[str, benchmark_cli.Figure]:
    """Reads a folder as training and scoring do, and says what it took."""
    peaks = {"at the start": _peak_megabytes()}
    files = dataset.scan_images(dataset.list_images(folder))
    peaks["scan"] = _peak_megabytes()
    seconds = _scoring([file.path for file in files])
    peaks["scoring"] = _peak_megabytes()
    paths = [f.path for f in dataset.split_images(files, seed=0).train]
    epoch = image_tensors.training_dataset(
        paths, batch_size=32, seed=0, **_SIZE
    )
    for _ in epoch.take(len(paths) // 32):
        pass
    peaks["training epoch"] = _peak_megabytes()
    return {"seconds": seconds, "peaks": peaks}


def _apart(count: int) -> dict[str, benchmark_cli.Figure]:
    """`_read` of a new folder, in a process of its own."""
    passed = ("num_runs", "quick")
    arguments = [
        f"--{name}={flags.FLAGS[name].value}".lower() for name in passed
    ]
    with tempfile.TemporaryDirectory() as folder:
        benchmark_cli.write_pngs(folder, count)
        answer = subprocess.run(
            [sys.executable, __file__, f"--folder={folder}", *arguments],
            capture_output=True,
            text=True,
        )
    if answer.returncode:
        raise ValueError(f"Reading {count} images failed: {answer.stderr}")
    return json.loads(answer.stdout)


def measure() -> dict[str, benchmark_cli.Figure]:
    """Returns seconds and peak memory by number of images."""
    counts = [int(count) for count in _NUM_IMAGES.value]
    if benchmark_cli.QUICK.value:
        counts = [count // 10 for count in counts]
    found = {count: _apart(count) for count in counts}
    seconds = [of["seconds"]["median"] for of in found.values()]
    figures = {}
    for count, of in found.items():
        figures[f"scoring {count} images, s"] = of["seconds"]
        figures[f"peak memory, {count} images, MB"] = of["peaks"]
    figures["number of images, growth exponent"] = {
        "median": benchmark_cli.growth_exponent(counts, seconds)
    }
    return figures


def main() -> None:
    found = _read(_FOLDER.value) if _FOLDER.value else measure()
    benchmark_cli.print_json(found)


if __name__ == "__main__":
    cli.run(main)
