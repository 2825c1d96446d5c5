"""One pass of the detector over images, and all that is derived from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf import progress
from ganad_tf.data import dataset
from ganad_tf.data import masks
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.regions import Region
from ganad_tf.detector.regions import find_regions
from ganad_tf.errors import UserError
from ganad_tf.evaluation.picture_file import PictureFile
from ganad_tf.evaluation.pixel_scores import PixelScores

# Unusable masks that are named in the log; results.json has all of them.
_MAX_WARNINGS = 5


class DetectionPass(NamedTuple):
    """Each image was inverted once; this is what is kept of it."""

    detection: Detection  # scores, decisions, latents; no pictures
    regions: list[list[Region]]  # of the anomaly map of each image
    pictures: PictureFile  # each image, its reconstruction and its map
    pixel_results: dict[str, Any]  # auroc, aupro, num_masks; empty if no masks
    unusable_masks: list[dict[str, str]]  # name of the image, status: why
    images_per_second: float


def without_pictures(detection: Detection) -> Detection:
    """The detection without its large fields, which are set to None."""
    return detection._replace(reconstructions=None, anomaly_maps=None)


def detect_files(
    detector: OneClassDetector,
    batches: Iterable[tf.Tensor],
    *,
    num_images: int,
    keep: Callable[[Detection], Detection],
) -> Detection:
    """Applies the detector to the images of files, and logs its progress.

    Args:
        detector: Fitted `OneClassDetector`.
        batches: Images as the detector takes them.
        num_images: How many they are.
        keep: What is kept of the `Detection` of each batch.

    Returns:
        detection: `Detection` of arrays, a row for each image.
    """
    logged = progress.LoggedBatches(
        batches, total=num_images, what="Inverted images"
    )
    return detector.detect_batches(logged, keep=keep)


def detection_pass(
    detector: OneClassDetector,
    files: Sequence[dataset.ImageFile],
    batches: Iterable[tf.Tensor],
) -> DetectionPass:
    """Inverts each image once and keeps what an evaluation needs of it.

    Args:
        detector: Fitted `OneClassDetector`.
        files: The images, at least one.
        batches: The same images as the detector takes them.

    Returns:
        result: `DetectionPass`, rows in the order of `files`.
    """
    recorder = _Recorder(detector, files)
    # An image of no file traces the graph, so that the time is that of images.
    detector.detect_batches([tf.zeros([1, *detector.image_shape])])
    start = time.perf_counter()
    detection = detect_files(
        detector, recorder.seen(batches), num_images=len(files), keep=recorder
    )
    seconds = time.perf_counter() - start
    return DetectionPass(
        detection,
        recorder.regions,
        recorder.pictures,
        recorder.pixel_results(),
        recorder.unusable_masks,
        len(files) / seconds,
    )


class _Recorder:
    """Keeps of each batch what needs its maps and reconstructions."""

    def __init__(self, detector: OneClassDetector, files):
        self._files = iter(files)
        self._size = detector.image_shape[:2]
        self._map_threshold = detector.map_calibrator_.threshold_
        self.regions: list[list[Region]] = []
        self.pictures = PictureFile(detector.image_shape)
        has_masks = any(file.label and masks.find_mask(file) for file in files)
        self._pixels = PixelScores() if has_masks else None
        self._num_masks = 0
        self.unusable_masks: list[dict[str, str]] = []

    def _truth(self, file: dataset.ImageFile) -> np.ndarray | None:
        """Which pixels are defective; None where nobody knows."""
        if not file.label:
            return np.zeros(self._size, bool)
        try:
            return masks.load_mask(file, image_size=self._size)
        except UserError as error:
            self._leave_out(file, str(error))
            return None

    def _leave_out(self, file: dataset.ImageFile, reason: str) -> None:
        """An image without a usable mask is judged; its pixels do not count.

        One bad file shall not end an evaluation.
        """
        self.unusable_masks.append({"name": file.name, "status": reason})
        if len(self.unusable_masks) <= _MAX_WARNINGS:
            logging.warning(
                "Pixel figures leave out %s: %s.", file.name, reason
            )

    def seen(self, batches: Iterable[tf.Tensor]) -> Iterator[tf.Tensor]:
        """The same batches; each is remembered until it is recorded."""
        for images in batches:
            self._images = images.numpy()
            yield images

    def __call__(self, detection: Detection) -> Detection:
        maps = detection.anomaly_maps
        self.pictures.append(self._images, detection.reconstructions, maps)
        # An iterator of all files: each batch takes the next ones.
        for anomaly_map, file in zip(maps, self._files, strict=False):
            self.regions.append(find_regions(anomaly_map, self._map_threshold))
            if self._pixels is not None:
                self._add_pixels(file, anomaly_map)
        return without_pictures(detection)

    def _add_pixels(self, file, anomaly_map: np.ndarray) -> None:
        truth = self._truth(file)
        if truth is not None:
            self._pixels.add(truth, anomaly_map)
            self._num_masks += file.label

    def pixel_results(self) -> dict[str, Any]:
        """AUROC and AUPRO of the images whose defects are marked."""
        if self._pixels is None:
            return {}
        return {**self._pixels.results(), "num_masks": self._num_masks}
