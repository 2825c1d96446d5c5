"""The assessment: the fitted detector and the baselines on test images."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging
from PIL import Image

from ganad_tf import progress
from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.data import image_tensors
from ganad_tf.detector import regions
from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.evaluation import baselines
from ganad_tf.evaluation import metrics as evaluation
from ganad_tf.evaluation import misses
from ganad_tf.evaluation import report
from ganad_tf.training import building
from ganad_tf.version import versions

MAX_BASELINE_IMAGES = 2000
MAX_NATIVE_SIZE = 512
MAX_NATIVE_IMAGES = 500
NUM_GENERATED = 256
# Side in pixels of whole images for the baselines of a tiled model.
BASELINE_SIZE = 64
# Missed images that the report shows a picture of.
MAX_PICTURED = 100
# Fields of `Detection` by the names that parts of the score have in tables.
_PART_FIELDS = {
    "frechet_score": "frechet_scores",
    "reconstruction_error": "reconstruction_errors",
}


class Assessment(NamedTuple):
    """What `assess` found."""

    results: dict[str, Any]  # the content of results.json
    files: Sequence[dataset.ImageFile]  # the test images, a row each
    detection: Detection  # their scores and decisions; no pictures
    scores: dict[str, np.ndarray]  # (num_files,) for each method
    regions: Sequence[list[regions.Region]]  # of the anomaly map of each file


def _numbers(detection: Detection) -> Detection:
    """Without pictures, and with one latent an image, the mean of its tiles."""
    latents = detection.latents
    latents = latents.reshape(len(latents), -1, latents.shape[-1]).mean(axis=1)
    return detection._replace(
        latents=latents, reconstructions=None, anomaly_maps=None
    )


class Assessor:
    """Judges a fitted detector by a data set's split.

    Args:
        detector: Fitted `OneClassDetector`.
        split: The `Split` it was fitted with.
        seed: Of baselines, bootstrap and generated images.
    """

    def __init__(
        self,
        detector: OneClassDetector,
        split: dataset.Split,
        *,
        seed: int,
    ):
        self.detector = detector
        self.split = split
        *self.image_size, self.channels = detector.image_shape
        self.seed = seed

    def batches(
        self,
        files: Sequence[dataset.ImageFile],
        image_size: image_files.ImageSize | None = None,
    ) -> tf.data.Dataset:
        return image_tensors.image_dataset(
            [file.path for file in files],
            image_size=image_size or self.image_size,
            channels=self.channels,
        )

    def load(
        self, files, image_size: image_files.ImageSize | None = None
    ) -> np.ndarray:
        """Images of files, as the detector sees them or of another size."""
        return image_tensors.load_images(
            [file.path for file in files],
            image_size=image_size or self.image_size,
            channels=self.channels,
        )

    def detect(
        self, files: Sequence[dataset.ImageFile], *, pictures: bool = False
    ) -> Detection:
        """Judges files, a row each; reconstructions and maps if asked for."""
        return self._detect(files, (lambda d: d) if pictures else _numbers)

    def _detect(self, files, keep) -> Detection:
        batches = progress.LoggedBatches(
            self.batches(files), total=len(files), what="Judged images"
        )
        return self.detector.detect_batches(batches, keep=keep)

    def assess(self, *, data: str, method: str) -> Assessment:
        """Scores the test images by the detector and by the baselines.

        Args:
            data: What `--data` was.
            method: What `--method` was.

        Returns:
            assessment: `Assessment`.

        Raises:
            ValueError: If there is no test image.
        """
        files = self.split.test
        if not files:
            raise ValueError(
                "There is no test image: expected a folder test/ in the "
                "MVTec-AD folder"
            )
        detection, found, speed = self._timed_detection(files)
        scores = {
            "anomaly_score": detection.anomaly_scores,
            "frechet_score": detection.frechet_scores,
            "reconstruction_error": detection.reconstruction_errors,
        }
        decisions = self._own_decisions(detection)
        for name, (values, flags) in self._baseline_scores(files).items():
            scores[name], decisions[name] = values, flags
        labels = np.array([file.label for file in files])
        types = np.array([file.defect_type for file in files])
        results = {
            "data": data,
            "method": method,
            "num_train": len(self.split.train),
            "num_calibration": len(self.split.calibration),
            "num_test_qualified": len(self.split.test_qualified),
            "num_test_defective": len(self.split.test_defective),
            "seed": self.seed,
            "versions": versions(),
            "alpha": self.detector.alpha,
            "threshold": self.detector.calibrator_.threshold_,
            **evaluation.compare_methods(
                labels, types, scores, decisions, seed=self.seed
            ),
            "overkill_by_alpha": evaluation.overkill_by_alpha(
                detection.p_values[labels == 0]
            ),
            **self._frechet_by_set(),
            **self._pixels(),
            **self._control(),
            "unreadable": [
                {"name": file.name, "status": file.status}
                for file in self.split.unreadable
            ],
            "images_per_second": speed,
        }
        return Assessment(results, files, detection, scores, found)

    def _timed_detection(self, files):
        """Numbers and regions of files, and the images judged a second."""
        threshold = self.detector.map_calibrator_.threshold_
        found = []

        def keep(detection: Detection) -> Detection:
            found.extend(
                regions.find_regions(anomaly_map, threshold)
                for anomaly_map in detection.anomaly_maps
            )
            return _numbers(detection)

        self.detect(files[:1])  # traces
        start = time.perf_counter()
        detection = self._detect(files, keep)
        return detection, found, len(files) / (time.perf_counter() - start)

    def _own_decisions(self, detection: Detection) -> dict[str, np.ndarray]:
        """Our decisions, and what each part would decide by itself."""
        calibration = self.detect(self.split.calibration)
        return {"anomaly_score": detection.is_defective} | {
            name: self._decided(
                getattr(calibration, field), getattr(detection, field)
            )
            for name, field in _PART_FIELDS.items()
        }

    def _decided(self, calibration_scores, scores) -> np.ndarray:
        calibrator = ConformalCalibrator(alpha=self.detector.alpha)
        return calibrator.fit(calibration_scores).is_defective(scores)

    def _baseline_scores(self, files) -> dict[str, tuple]:
        """Scores and decisions of each baseline, by the same calibration."""
        methods = baselines.make_baselines(
            num_images=min(len(self.split.train), MAX_BASELINE_IMAGES),
            seed=self.seed,
        )
        found = {}
        for native in (False, True):
            chosen = {n: b for n, b in methods.items() if b.native == native}
            size = self._native_size() if native else self._baseline_size()
            limit = MAX_NATIVE_IMAGES if native else MAX_BASELINE_IMAGES
            train = self.load(self.split.train[:limit], size)
            for baseline in chosen.values():
                baseline.fit(train)
            calibration = self._scored(chosen, self.split.calibration, size)
            test = self._scored(chosen, files, size)
            found |= {
                name: (test[name], self._decided(calibration[name], test[name]))
                for name in chosen
            }
            logging.info("Scored the baselines %s.", ", ".join(chosen))
        return {name: found[name] for name in methods}

    def _baseline_size(self) -> image_files.ImageSize:
        """The model's size; of tiled images, what they would be whole."""
        if self.detector.grid.is_whole:
            return self.image_size
        return BASELINE_SIZE

    def _scored(
        self, fitted, files, image_size: image_files.ImageSize
    ) -> dict[str, np.ndarray]:
        """Scores of fitted baselines, in bounded memory."""
        columns = [
            [baseline.anomaly_scores(batch) for baseline in fitted.values()]
            for batch in self.batches(files, image_size).as_numpy_iterator()
        ]
        scores = map(np.concatenate, zip(*columns, strict=True))
        return dict(zip(fitted, scores, strict=True))

    def _native_size(self) -> int:
        """The images' own size, bounded so that arrays fit in memory."""
        with Image.open(self.split.train[0].path) as image:
            return min(*image.size, MAX_NATIVE_SIZE)

    def _frechet_by_set(self) -> dict[str, Any]:
        """Fréchet distance of generated, qualified and each type's latents."""
        latents = {"generated": [self._generated_latents()]}
        sets = {"qualified_test": self.split.test_qualified}
        for file in self.split.test_defective:
            sets.setdefault(file.defect_type, []).append(file)
        for name, files in sets.items():
            latents[name] = [
                self.detector.reference_latents(batch)
                for batch in (self.batches(files) if files else ())
            ]
        latents = {
            name: np.concatenate(parts)
            for name, parts in latents.items()
            if parts
        }
        gaussian = self.detector.latent_gaussian_
        return {
            "frechet_by_set": {
                name: gaussian.frechet_distance(points)
                for name, points in latents.items()
            },
            "frechet_num_images": {
                name: len(points) for name, points in latents.items()
            },
        }

    def _generated_latents(self) -> tf.Tensor:
        return self.detector.generated_latents(
            NUM_GENERATED, seed=[self.seed, 0]
        )

    def _pixels(self) -> dict[str, Any]:
        """Localisation, over the defective images that have a mask."""
        masks = {
            file: mask
            for file in self.split.test_defective
            if (mask := dataset.load_mask(file, image_size=self.image_size))
            is not None
        }
        if not masks:
            return {}
        files = list(masks) + list(self.split.test_qualified)
        empty = np.zeros(self.image_size, bool)
        truth = np.stack([masks.get(file, empty) for file in files])
        maps = self.detect(files, pictures=True).anomaly_maps
        return {
            "pixel": {
                "auroc": evaluation.pixel_auroc(truth, maps),
                "aupro": evaluation.aupro(truth, maps),
                "num_masks": len(masks),
            }
        }

    def _control(self) -> dict[str, Any]:
        """Overkill on qualified images of another origin, where given."""
        if not self.split.control:
            return {}
        flags = self.detect(self.split.control).is_defective
        count, total = int(flags.sum()), len(flags)
        return {
            "control": {
                "num_images": total,
                "overkill_rate": count / total,
                "overkill_rate_ci95": evaluation.rate_ci95(count, total),
            }
        }

    def panels(self, assessment: Assessment) -> dict[str, list[report.Panel]]:
        """Pictures of the best, the worst and the borderline cases."""
        files, found = assessment.files, assessment.detection
        chosen = report.select_panels(
            np.array([file.label for file in files]),
            found.anomaly_scores,
            threshold=self.detector.calibrator_.threshold_,
        )
        return {
            heading: self._panels_of([files[row] for row in rows])
            for heading, rows in chosen.items()
        }

    def misses(self, assessment: Assessment) -> list[misses.Miss]:
        """The defective images that are called qualified, and why.

        Args:
            assessment: What `assess` found.

        Returns:
            missed: `misses.Miss`es, the lowest score first; the first
                `MAX_PICTURED` of them with pictures.
        """
        files, found = assessment.files, assessment.detection
        labels = np.array([file.label for file in files])
        rows = misses.missed_rows(
            labels, found.anomaly_scores, self.detector.calibrator_.threshold_
        )
        parts = {
            name: assessment.scores[name]
            for name, field in _PART_FIELDS.items()
            if field in self.detector.score_parts
        }
        pictured = [files[row] for row in rows[:MAX_PICTURED]]
        pictures = self._pictures(pictured) if pictured else []
        return [
            misses.Miss(
                files[row].name,
                files[row].defect_type,
                float(found.anomaly_scores[row]),
                float(found.p_values[row]),
                misses.larger_shares(row, labels, parts),
                len(assessment.regions[row]),
                *picture,
                self.detector.map_calibrator_.threshold_,
            )
            for row, picture in itertools.zip_longest(
                rows, pictures, fillvalue=(None, None)
            )
        ]

    def _pictures(self, files) -> list[tuple[np.ndarray, np.ndarray]]:
        """Image and anomaly map of each file."""
        maps = self.detect(files, pictures=True).anomaly_maps
        return list(zip(self.load(files), maps, strict=True))

    def _panels_of(self, files) -> list[report.Panel]:
        found = self.detect(files, pictures=True)
        return [
            report.Panel(
                report.caption(
                    f"{file.name} ({file.defect_type})",
                    is_defective=found.is_defective[row],
                    anomaly_score=found.anomaly_scores[row],
                    p_value=found.p_values[row],
                ),
                image,
                found.reconstructions[row],
                found.anomaly_maps[row],
                self.detector.map_calibrator_.threshold_,
            )
            for row, (file, image) in enumerate(
                zip(files, self.load(files), strict=True)
            )
        ]


def open_assessor(model_dir: str, *, data: str, seed: int) -> Assessor:
    """Opens a model folder, to judge its detector by the split it has.

    Args:
        model_dir: Folder that `train_gan.py` and `fit_detector.py` wrote.
        data: The `--data` that the GAN was trained on.
        seed: Of baselines, bootstrap and generated images.

    Returns:
        assessor: `Assessor` of the fitted detector.

    Raises:
        FileNotFoundError: If there is no split, GAN or detector.
        ValueError: If images of the split are missing or have changed.
    """
    split = dataset.load_split(
        os.path.join(model_dir, dataset.SPLIT_NAME), data=data
    )
    detector = OneClassDetector.load(
        os.path.join(model_dir, "detector"), building.load_gan(model_dir)
    )
    return Assessor(detector, split, seed=seed)
