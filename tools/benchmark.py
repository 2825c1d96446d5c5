"""Measures speed and memory on this machine, next to the machine's ceilings.

    python tools/benchmark.py --output=benchmark.json
    python tools/benchmark.py --data=elpv:mono --model_dir=model  # and peers

Every figure is the median of several runs, with the least and the largest;
shares are of the rate of a float32 matrix product, measured before and after
each run, by the operations that benchmark_flops.py counts. Images are
synthetic, networks are those of the defaults for aligned 64x64 gray images.
With --data and --model_dir of a trained and fitted model, the detector is also
set against AnoGAN's search (benchmark_peers.py), and the speed dial tells what
each number of inversion steps gives (AUROC) and costs (images/s).

Writes a JSON, and the same as a Markdown table beside it and on the terminal.
Each part is a tool of its own: benchmark_machine.py, benchmark_flops.py,
benchmark_growth.py, benchmark_images.py, benchmark_peers.py,
benchmark_serving.py. --quick repeats less, to see that it works.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator

import cli  # before TensorFlow

# isort: split
import numpy as np
import tensorflow as tf
from absl import flags
from absl import logging
from sklearn import metrics

import benchmark_cli
import benchmark_flops
import benchmark_growth
import benchmark_images
import benchmark_machine
import benchmark_peers
import benchmark_serving
from ganad_tf import artifacts
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.detector import detector as detectors
from ganad_tf.gan import inversion
from ganad_tf.serving import export
from ganad_tf.training import building
from ganad_tf.version import versions

_OUTPUT = flags.DEFINE_string(
    "output", "benchmark.json", "JSON file to write the figures to."
)
_FOLDER = os.path.dirname(os.path.abspath(__file__))
_SIZE = {"image_size": 64, "channels": 1}
_BATCH_SIZES = (1, 8, 64)
_DIAL_STEPS = (0, 2, 5, 10, 20)
_COLUMNS = ("median", "least", "largest", "share")

Figures = dict[str, benchmark_cli.Figure]


def _machine() -> dict:
    """With the load of others: figures of a busy machine are no records."""
    return {
        "cores": os.cpu_count(),
        "load at the start": os.getloadavg()[0],
        **versions(),
    }


def _training() -> Figures:
    """Steps through the input pipeline, without it, and the pipeline alone."""
    gan = benchmark_cli.build_gan()
    steps, batch = 5 if benchmark_cli.QUICK.value else 30, 32

    def rate(work, flops=0.0):
        return benchmark_cli.measure(work, steps * batch, flops=flops)

    def fitted_to(batches):
        return lambda: gan.fit(
            batches, steps_per_epoch=steps, verbose=0, shuffle=False
        )

    flops = benchmark_flops.training_step(gan)
    with tempfile.TemporaryDirectory() as folder:
        paths = benchmark_cli.write_pngs(folder, 256)
        batches = image_tensors.training_dataset(
            paths, batch_size=batch, seed=0, **_SIZE
        )
        at_hand = batches.take(1).cache().repeat()
        return {
            "training, images/s": rate(fitted_to(batches), flops),
            "training, one batch at hand, images/s": rate(
                fitted_to(at_hand), flops
            ),
            "training images, made for it alone, images/s": rate(
                lambda: list(batches.take(steps))
            ),
        }


def _inversion() -> Figures:
    gan = benchmark_cli.build_gan()
    inverter = inversion.LatentInverter(
        gan.generate, num_steps=20, optimizer="momentum", learning_rate=1.0
    )
    figures = {}
    for batch in _BATCH_SIZES:
        targets = tf.constant(benchmark_cli.noise(batch))
        starts = gan.encode(targets)
        figures[f"inversion, batch {batch}, steps x images/s"] = (
            benchmark_cli.measure(
                lambda found=(targets, starts): inverter.invert(
                    *found
                ).losses.numpy(),
                inverter.num_steps * batch,
                flops=benchmark_flops.inversion_step(gan),
            )
        )
    return figures


def _scoring() -> Figures:
    """From PNG files to verdicts, decoded in parallel."""
    gan = benchmark_cli.build_gan()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = benchmark_cli.write_pngs(folder, 256)
        for num_steps in (0, 3, 10):
            fitted = benchmark_cli.fit_detector(gan, num_steps=num_steps)
            for batch in _BATCH_SIZES:
                chosen = paths[: max(4 * batch, 32)]
                batches = image_tensors.image_dataset(
                    chosen, batch_size=batch, **_SIZE
                )
                name = f"PNG to verdict, {num_steps} steps, batch {batch}"
                figures[f"{name}, images/s"] = benchmark_cli.measure(
                    lambda given=(fitted, batches): given[0].detect_batches(
                        given[1]
                    ),
                    len(chosen),
                )
    return figures


def _score_apart(model: str, folder: str) -> None:
    answer = subprocess.run(
        [
            sys.executable,
            os.path.join(_FOLDER, "score_images.py"),
            f"--saved_model={model}",
            f"--images={folder}",
            f"--output={os.path.join(folder, 'scores.csv')}",
        ],
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        raise ValueError(f"score_images.py failed: {answer.stderr}")


def _serving() -> Figures:
    """Of an exported model: its first answer, and clients at once."""
    fitted = benchmark_cli.fit_detector(benchmark_cli.build_gan())
    with tempfile.TemporaryDirectory() as folder:
        path = export.export_detector(
            fitted, os.path.join(folder, "model"), name="benchmark", facts={}
        )
        os.mkdir(os.path.join(folder, "images"))
        benchmark_cli.write_pngs(os.path.join(folder, "images"), 1)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            _score_apart(path, os.path.join(folder, "images"))
            seconds.append(time.perf_counter() - start)
        name = "first answer of score_images.py in a new process, s"
        num_requests = flags.FLAGS.num_requests
        if benchmark_cli.QUICK.value:
            num_requests //= 10
        return {
            name: benchmark_cli.spread(seconds),
            **benchmark_serving.measure(path, num_requests),
        }


def _measure_dial(
    detector: detectors.OneClassDetector,
    batches: tf.data.Dataset,
    labels: np.ndarray,
) -> dict:
    """Speed (images/s, of a second pass) and AUROC of a calibrated setting."""
    detector.detect_batches(batches.take(1))
    start = time.perf_counter()
    scores = detector.detect_batches(batches).anomaly_scores
    seconds = time.perf_counter() - start
    return {
        "num_steps": detector.inverter.num_steps,
        "auroc": float(metrics.roc_auc_score(labels, scores)),
        "images_per_second": len(labels) / seconds,
        "threshold": detector.calibrator_.threshold_,
    }


def _speed_dial(model_dir: str, data: str) -> Figures:
    """AUROC and images/s by steps of the inversion, calibrated for each."""
    detector = detectors.OneClassDetector.load(
        os.path.join(model_dir, "detector"), building.load_gan(model_dir)
    )
    split = dataset.load_split(
        os.path.join(model_dir, dataset.SPLIT_NAME), data=data
    )
    *size, channels = detector.image_shape
    train, calibration, test = (
        image_tensors.image_dataset(
            [file.path for file in files],
            image_size=tuple(size),
            channels=channels,
        )
        for files in (split.train, split.calibration, split.test)
    )
    labels = [file.label for file in split.test]
    figures = {}
    for num_steps in _DIAL_STEPS:
        refitted = export.refit(
            detector, train, calibration, num_steps=num_steps
        )
        found = _measure_dial(refitted, test, labels)
        figures[f"speed dial, {found.pop('num_steps')} steps"] = found
    return figures


def _of_a_model() -> Figures:
    """What needs a trained model; nothing without one."""
    model = (flags.FLAGS.model_dir, flags.FLAGS.data)
    if not model[0]:
        return {}
    dial = {} if benchmark_cli.QUICK.value else _speed_dial(*model)
    return {**benchmark_peers.measure(*model), **dial}


def _parts() -> Iterator[tuple[str, Callable[[], Figures]]]:
    yield "ceilings of the machine", benchmark_machine.measure
    yield "operations", benchmark_flops.measure
    yield "training", _training
    yield "inversion", _inversion
    yield "scoring", _scoring
    yield "exported model", _serving
    yield "growth with size, steps and latents", benchmark_growth.measure
    yield "growth with the number of images", benchmark_images.measure
    yield "peers and speed dial", _of_a_model


def _cell(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(figures: Figures) -> str:
    """Figures as a Markdown table."""
    lines = [
        "| figure | median | least | largest | share of ceiling | |",
        "|---|---|---|---|---|---|",
    ]
    for name, values in figures.items():
        cells = [_cell(values.get(key, "")) for key in _COLUMNS]
        rest = ", ".join(
            f"{key} {_cell(value)}"
            for key, value in values.items()
            if key not in _COLUMNS
        )
        lines.append(f"| {' | '.join([name, *cells, rest])} |")
    return "\n".join(lines)


def main() -> None:
    if bool(flags.FLAGS.model_dir) != bool(flags.FLAGS.data):
        raise ValueError("Expected both or neither of --model_dir and --data")
    figures = {"machine": _machine()}
    started = time.perf_counter()
    for name, measure in _parts():
        logging.info(
            "%.0f s: measuring %s", time.perf_counter() - started, name
        )
        figures |= measure()
        artifacts.write_json(_OUTPUT.value, figures)
    text = table(figures)
    path = os.path.splitext(_OUTPUT.value)[0] + ".md"
    artifacts.write_text(path, text + "\n")
    print(text)
    logging.info("The figures are in %s and %s.", _OUTPUT.value, path)


if __name__ == "__main__":
    cli.run(main)
