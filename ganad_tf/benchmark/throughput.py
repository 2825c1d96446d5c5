"""Images per second of training, inversion and scoring."""

from __future__ import annotations

import tempfile

import tensorflow as tf

from ganad_tf.benchmark import flops
from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import timing
from ganad_tf.data import image_tensors
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.gan import inversion

_BATCH_SIZES = (1, 8, 64)
_TRAINING_BATCH_SIZE = 32
_NUM_IMAGES = 256  # of the folders that are read


def measure_training(*, num_runs: int, num_steps: int) -> dict:
    """Images/s of training, with the input pipeline and without it.

    Args:
        num_runs: Measured runs of each rate.
        num_steps: Training steps of a run.

    Returns:
        figures: Of training, of training on one batch that is in memory, and
            of the input pipeline alone.
    """
    gan = synthetic.build_gan()

    def rate(work, operations=0.0):
        return timing.measure_rate(
            work,
            num_steps * _TRAINING_BATCH_SIZE,
            num_runs=num_runs,
            flops=operations,
        )

    def training_rate(batches):
        return rate(
            lambda: gan.fit(
                batches, steps_per_epoch=num_steps, verbose=0, shuffle=False
            ),
            flops.training_step(gan),
        )

    with tempfile.TemporaryDirectory() as folder:
        batches = image_tensors.training_dataset(
            synthetic.write_pngs(folder, _NUM_IMAGES),
            batch_size=_TRAINING_BATCH_SIZE,
            seed=0,
            **synthetic.IMAGE_FORMAT,
        )
        in_memory = batches.take(1).cache().repeat()
        return {
            "training, images/s": training_rate(batches),
            "training, batch in memory, images/s": training_rate(in_memory),
            "training input pipeline alone, images/s": rate(
                lambda: list(batches.take(num_steps))
            ),
        }


def measure_inversion(*, num_runs: int) -> dict[str, timing.Figure]:
    """Inversion steps x images per second, by batch size."""
    gan = synthetic.build_gan()
    inverter = inversion.LatentInverter(
        gan.generate, num_steps=20, optimizer="momentum", learning_rate=1.0
    )
    figures = {}
    for batch_size in _BATCH_SIZES:
        targets = tf.constant(synthetic.noise(batch_size))
        starts = gan.encode(targets)
        name = f"inversion, batch {batch_size}, steps x images/s"
        figures[name] = timing.measure_rate(
            # Reading the losses waits until the inversion is done.
            lambda given=(targets, starts): inverter.invert(
                *given
            ).losses.numpy(),
            inverter.num_steps * batch_size,
            num_runs=num_runs,
            flops=flops.inversion_step(gan),
        )
    return figures


def measure_scoring(*, num_runs: int) -> dict[str, timing.Figure]:
    """Images/s from PNG files to verdicts, by inversion steps and batch."""
    gan = synthetic.build_gan()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = synthetic.write_pngs(folder, _NUM_IMAGES)
        for num_steps in (0, 3, 10):
            detector = synthetic.fit_detector(gan, num_steps=num_steps)
            for batch_size in _BATCH_SIZES:
                name = f"PNG to verdict, {num_steps} steps, batch {batch_size}"
                figures[f"{name}, images/s"] = _scoring_rate(
                    detector,
                    paths[: max(4 * batch_size, 32)],
                    batch_size=batch_size,
                    num_runs=num_runs,
                )
    return figures


def _scoring_rate(
    detector: OneClassDetector,
    paths: list[str],
    *,
    batch_size: int,
    num_runs: int,
) -> timing.Figure:
    batches = image_tensors.image_dataset(
        paths, batch_size=batch_size, **synthetic.IMAGE_FORMAT
    )
    return timing.measure_rate(
        lambda: detector.detect_batches(batches), len(paths), num_runs=num_runs
    )
