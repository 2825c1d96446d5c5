"""Measures speed and memory on this machine, next to the machine's ceiling.

    python tools/benchmark.py --output=benchmark.json

Every figure is the median of several runs, with the least and the largest;
images are synthetic, networks are those of the defaults for 64x64 gray
images. Peak memory is taken in processes of its own. With --data and
--model_dir of a trained and fitted model, it also tells what each number of
inversion steps gives (AUROC on the test images) and costs (images/s).
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image

import benchmark_serving
import cli
from ganad_tf import artifacts
from ganad_tf import assessment
from ganad_tf import dataset
from ganad_tf import detector as detectors
from ganad_tf import export
from ganad_tf import images
from ganad_tf import speed_dial
from ganad_tf import training

_OUTPUT = flags.DEFINE_string(
    "output", "benchmark.json", "JSON file to write the figures to."
)
_NUM_RUNS = flags.DEFINE_integer(
    "num_runs", 5, "Runs of which the median is taken.", lower_bound=1
)
_MEMORY_IMAGES = flags.DEFINE_list(
    "memory_images", ["2000", "20000"], "Sizes of the folders for peak memory."
)
_MEMORY_FOLDER = flags.DEFINE_string(
    "memory_folder", None, "Only stream this folder, and print peak memory."
)
_DATA = flags.DEFINE_string(
    "data", None, "For --model_dir: the --data that its GAN was trained on."
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Trained and fitted model, for the speed dial."
)
SIZE = {"image_size": 64, "channels": 1}


def _rate(work, amount: float) -> dict[str, float]:
    """Amount a second: median, least and largest of several runs."""
    work()  # traces and warms up
    rates = []
    for _ in range(_NUM_RUNS.value):
        start = time.perf_counter()
        work()
        rates.append(amount / (time.perf_counter() - start))
    return {
        "median": statistics.median(rates),
        "least": min(rates),
        "largest": max(rates),
    }


def _noise(count: int) -> np.ndarray:
    noise = np.random.default_rng(0).uniform(-1, 1, [count, 64, 64, 1])
    return noise.astype(np.float32)


def _gan(batch_size: int = 32):
    config = training.TrainingConfig(
        method="joint",
        aligned=True,
        latent_dim=256,
        width=16,
        num_steps=10**6,
        batch_size=batch_size,
        **SIZE,
    )
    gan = training.build_gan(config)
    training.fit_linear_head(gan, _noise(300), config)
    return gan


def _ceiling() -> dict[str, float]:
    matrix = tf.constant(np.ones([2048, 2048], np.float32))
    product = tf.function(tf.matmul)
    return _rate(lambda: product(matrix, matrix).numpy(), 2 * 2048**3 / 1e9)


def _training(gan) -> dict[str, float]:
    batches = tf.data.Dataset.from_tensors(tf.constant(_noise(32))).repeat()
    steps = {"steps_per_epoch": 10, "verbose": 0, "shuffle": False}
    return _rate(lambda: gan.fit(batches, **steps), 10 * 32)


def _scoring(gan, num_steps: int, batch_size: int) -> dict[str, float]:
    """From PNG bytes to verdicts, decoded in parallel."""
    fitted = detectors.for_method(
        gan, method="joint", aligned=True, alpha=0.05, num_steps=num_steps
    ).fit([_noise(64)], [_noise(64)])
    with tempfile.TemporaryDirectory() as folder:
        paths = _write_pngs(folder, 2 * max(batch_size, 32))
        batches = images.image_dataset(paths, batch_size=batch_size, **SIZE)
        return _rate(lambda: fitted.detect_batches(batches), len(paths))


def _write_pngs(folder: str, count: int) -> list[str]:
    generator = np.random.default_rng(0)
    paths = [os.path.join(folder, f"{row:06d}.png") for row in range(count)]
    for path in paths:
        buffer = io.BytesIO()
        pixels = generator.integers(0, 256, [64, 64], np.uint8)
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        with open(path, "wb") as file:
            file.write(buffer.getvalue())
    return paths


def _peak_megabytes() -> float:
    """Linux' own count; `getrusage` would add that of the parent process."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _stream(folder: str) -> None:
    """Reads a folder as training and scoring do, and prints peak memory."""
    found = {"start": _peak_megabytes()}
    files = dataset.scan_images(dataset.list_images(folder))
    found["scan"] = _peak_megabytes()
    paths = [f.path for f in dataset.split_images(files, seed=0).train]
    epoch = images.training_dataset(paths, batch_size=32, seed=0, **SIZE)
    for _ in epoch.take(len(paths) // 32):
        pass
    found["training epoch"] = _peak_megabytes()
    for _ in images.image_dataset([file.path for file in files], **SIZE):
        pass
    found["scoring"] = _peak_megabytes()
    print(json.dumps(found))


def _memory(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        _write_pngs(folder, count)
        answer = subprocess.run(
            [sys.executable, __file__, f"--memory_folder={folder}"],
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(answer.stdout)


def _serving(gan) -> dict[str, dict[str, float]]:
    """Clients at once against the exported model behind a server."""
    fitted = detectors.for_method(
        gan, method="joint", aligned=True, alpha=0.05
    ).fit([_noise(64)], [_noise(64)])
    with tempfile.TemporaryDirectory() as folder:
        path = export.export_saved_model(
            fitted, folder, name="benchmark", facts={}
        )
        num_requests = flags.FLAGS.num_requests
        return benchmark_serving.measure(path, num_requests)


def _speed_dial(model_dir: str, data: str) -> dict[str, dict[str, float]]:
    """AUROC and images/s by steps of the inversion, calibrated for each."""
    detector = detectors.OneClassDetector.load(
        os.path.join(model_dir, "detector"), training.load_gan(model_dir)
    )
    split = dataset.load_split(
        os.path.join(model_dir, dataset.SPLIT_NAME), data=data
    )
    *size, channels = detector.image_shape
    train, calibration, test = (
        images.image_dataset(
            [file.path for file in files],
            image_size=tuple(size),
            channels=channels,
        )
        for files in (split.train, split.calibration, split.test)
    )
    labels = [file.label for file in split.test]
    figures = {}
    for num_steps in speed_dial.NUM_STEPS:
        refitted = speed_dial.refit(
            detector, train, calibration, num_steps=num_steps
        )
        found = speed_dial.measure(refitted, test, labels)
        figures[f"speed dial, {found.pop('num_steps')} steps"] = found
    return figures


def main() -> None:
    if _MEMORY_FOLDER.value:
        _stream(_MEMORY_FOLDER.value)
        return
    gan = _gan()
    figures = {
        "machine": {"cores": os.cpu_count(), **assessment.versions()},
        "matrix product, GFLOP/s": _ceiling(),
        "training, images/s": _training(gan),
    }
    for num_steps, batch_size in ((0, 1), (0, 64), (10, 1), (10, 64)):
        name = (
            f"PNG to verdict, {num_steps} steps, batch {batch_size}, images/s"
        )
        figures[name] = _scoring(gan, num_steps, batch_size)
    figures |= _serving(gan)
    if _MODEL_DIR.value:
        figures |= _speed_dial(_MODEL_DIR.value, _DATA.value)
    for count in map(int, _MEMORY_IMAGES.value):
        figures[f"peak memory, {count} images, MB"] = _memory(count)
    artifacts.write_json(_OUTPUT.value, figures)
    for name, values in figures.items():
        cells = (
            f"{key} {value:.3g}"
            if isinstance(value, float)
            else f"{key} {value}"
            for key, value in values.items()
        )
        print(f"{name}: {', '.join(cells)}")


if __name__ == "__main__":
    cli.run(main)
