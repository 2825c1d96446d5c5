"""A trained and fitted model with the images of its roles."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from ganad_tf.data import dataset
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.model_folder import image_batches
from ganad_tf.detector.model_folder import load_detector
from ganad_tf.serving.export import refit


class TrainedModel(NamedTuple):
    """A fitted detector and the data that it was trained on."""

    detector: OneClassDetector
    split: dataset.Split

    def batches(
        self, files: Sequence[dataset.ImageFile], batch_size: int | None = None
    ) -> tf.data.Dataset:
        """Batches of images at the detector's size, in the files' order."""
        return image_batches(self.detector, files, batch_size=batch_size)

    def refit(self, num_steps: int) -> OneClassDetector:
        """The detector fitted and calibrated again for other steps."""
        return refit(
            self.detector,
            self.batches(self.split.train),
            self.batches(self.split.calibration),
            num_steps=num_steps,
        )


def load(data: str, model_dir: str) -> TrainedModel:
    """Loads what `train_gan.py` and `fit_detector.py` wrote.

    Args:
        data: The data that it was trained on, as of `list_images`.
        model_dir: Folder of the model.

    Returns:
        model: `TrainedModel`.

    Raises:
        UserError: If a part of the model or the data is missing, or the data
            are not those of the model's split.
    """
    return TrainedModel(
        load_detector(model_dir), dataset.load_split(data, model_dir)
    )


def obstacle(data: str | None, model_dir: str | None) -> str | None:
    """Why no model can be loaded, in words; None where one can.

    Args:
        data: The data that it was trained on; None where none are given.
        model_dir: Folder of the model; None where none is given.
    """
    if model_dir is None or data is None:
        return "it needs --model_dir and --data of a trained and fitted model"
    if not os.path.isdir(os.path.join(model_dir, "detector")):
        return f"there is no fitted detector in {model_dir}"
    if data.startswith("elpv:") and not importlib.util.find_spec(
        "elpv_dataset"
    ):
        return 'it needs the extra demo: pip install ".[demo]"'
    return None
