"""Inversion curves: loss and latent norm by step, as TensorBoard shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ganad_tf.data.listing import ImageFile
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.gan.inversion import InversionCurves
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.monitoring import NUM_MEASURED
from ganad_tf.training.sample_images import SampleImages
from ganad_tf.training.tensorboard_runs import new_run

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def invert_samples(
    detector: OneClassDetector, model_dir: str, files: Sequence[ImageFile]
) -> InversionCurves:
    """Inverts the first of some images, at the size that the GAN models.

    Args:
        detector: Of the model folder.
        model_dir: The model folder.
        files: Images, of which the first `NUM_MEASURED` are inverted.

    Returns:
        curves: `InversionCurves`, a row for each step.
    """
    config = TrainingConfig.load(model_dir)
    sample = SampleImages([file.path for file in files])
    images = sample.as_network_images(config, NUM_MEASURED)
    return detector.inverter.curves(images, detector.gan.encode(images))


def write_curves(model_dir: str, name: str, curves: InversionCurves) -> None:
    """Writes quantiles of loss and latent norm by step.

    Args:
        model_dir: The model folder; older curves are replaced.
        name: Of the images, for the tags.
        curves: `InversionCurves` of the images.
    """
    with new_run(model_dir, "inversion") as folder:
        writer = tf.summary.create_file_writer(folder)
        with writer.as_default():
            for field, values in curves._asdict().items():
                _write_quantiles(f"inversion_{field}_of_{name}", values)
        writer.close()


def _write_quantiles(group: str, values: np.ndarray) -> None:
    rows = np.quantile(values, QUANTILES, axis=1).T
    for step, row in enumerate(rows):
        for quantile, value in zip(QUANTILES, row, strict=True):
            tag = f"{group}/quantile_{round(100 * quantile):02d}"
            tf.summary.scalar(tag, value, step=step)
