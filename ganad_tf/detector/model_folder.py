"""The detector of a model folder: fitted to the GAN and the split in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ganad_tf import progress
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.detector import for_method
from ganad_tf.gan.inversion import InversionCurves
from ganad_tf.training.building import load_gan
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.training.monitoring import NUM_MEASURED
from ganad_tf.training.sample_images import SampleImages

DETECTOR_NAME = "detector"
ALPHA = 0.05


def fit_detector(
    data: str,
    model_dir: str,
    *,
    alpha: float = ALPHA,
    batch_size: int | None = None,
    **inversion: Any,
) -> OneClassDetector:
    """Fits the detector of a trained GAN, and saves it in the model folder.

    Args:
        data: The data that the GAN was trained on, as `list_images` takes it.
        model_dir: Folder of a trained GAN, with its split.
        alpha: False-alarm rate: share of qualified images that may be called
            defective, at least 1 / (calibration images + 1).
        batch_size: Images at a time; 64, or fewer of large images, by default.
        **inversion: Arguments of `LatentInverter` that replace the recipe's.

    Returns:
        detector: Fitted `OneClassDetector`, also in `model_dir/detector/`.

    Raises:
        UserError: If GAN or split are missing, images of the split are missing
            or changed, or there are too few calibration images for `alpha`.
    """
    config = TrainingConfig.load(model_dir)
    split = open_split(data, model_dir)
    use_determinism(config.seed)
    detector = for_method(
        load_gan(model_dir),
        method=config.method,
        aligned=config.aligned,
        alpha=alpha,
        grid=config.grid,
        **inversion,
    )
    batches = (
        _batches(detector, files, role, batch_size)
        for role, files in (
            ("training", split.train),
            ("calibration", split.calibration),
        )
    )
    detector.fit(*batches)
    detector.save(os.path.join(model_dir, DETECTOR_NAME))
    return detector


def load_detector(model_dir: str) -> OneClassDetector:
    """Loads the fitted detector of a model folder, with its GAN.

    Raises:
        UserError: If GAN or detector are missing or broken.
    """
    return OneClassDetector.load(
        os.path.join(model_dir, DETECTOR_NAME), load_gan(model_dir)
    )


def open_split(data: str, model_dir: str) -> dataset.Split:
    """The split of a model folder, located in `data`.

    Raises:
        UserError: If there is no split, or its images are missing or changed.
    """
    path = os.path.join(model_dir, dataset.SPLIT_NAME)
    return dataset.load_split(path, data=data)


def inversion_curves(
    detector: OneClassDetector,
    model_dir: str,
    files: Sequence[dataset.ImageFile],
) -> InversionCurves:
    """The course of the inversion of some images, or of their central tiles.

    Args:
        detector: Of the model folder.
        model_dir: The folder.
        files: Images, of which the first few are inverted.

    Returns:
        curves: `InversionCurves`.
    """
    config = TrainingConfig.load(model_dir)
    sample = SampleImages([file.path for file in files])
    images = sample.as_network_images(config, NUM_MEASURED)
    return detector.inverter.curves(images, detector.gan.encode(images))


def _batches(
    detector: OneClassDetector,
    files: Sequence[dataset.ImageFile],
    role: str,
    batch_size: int | None,
) -> Iterable[tf.Tensor]:
    *image_size, channels = detector.image_shape
    return progress.LoggedBatches(
        image_tensors.image_dataset(
            [file.path for file in files],
            image_size=image_size,
            channels=channels,
            batch_size=batch_size,
        ),
        total=len(files),
        what=f"Processed {role} images",
    )
