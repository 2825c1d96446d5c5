"""The assessment: the fitted detector and the baselines on test images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganad_tf.data import dataset
from ganad_tf.data import grouping
from ganad_tf.data import image_tensors
from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.model_folder import image_batches
from ganad_tf.detector.model_folder import load_detector
from ganad_tf.detector.regions import Region
from ganad_tf.errors import UserError
from ganad_tf.evaluation import detection_pass
from ganad_tf.evaluation import metrics
from ganad_tf.evaluation.baseline_scores import BaselineScorer
from ganad_tf.evaluation.baseline_scores import num_fitted
from ganad_tf.evaluation.picture_file import PictureFile
from ganad_tf.score_parts import ANOMALY
from ganad_tf.score_parts import FRECHET
from ganad_tf.score_parts import RESIDUAL
from ganad_tf.score_parts import SCORE_PARTS
from ganad_tf.version import versions

NUM_GENERATED = 256


class Assessment(NamedTuple):
    """Scores and decisions of the test images, and what follows from them."""

    results: dict[str, Any]  # the content of results.json
    files: Sequence[dataset.ImageFile]  # the test images, a row each
    detection: Detection  # their scores and decisions; no pictures
    scores: dict[str, np.ndarray]  # (num_files,) for each method
    regions: Sequence[list[Region]]  # of the anomaly map of each file
    pictures: PictureFile  # image, reconstruction, anomaly map of each file
    calibration: Detection  # of the calibration images; no pictures

    @property
    def labels(self) -> np.ndarray:
        """Integers of shape (num_files,), 0 qualified, 1 defective."""
        return np.array([file.label for file in self.files])


class Assessor:
    """Judges a fitted detector by the split of a data set.

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

    def batches(self, files: Sequence[dataset.ImageFile]) -> tf.data.Dataset:
        """Images of files in batches, as `image_batches` gives them."""
        return image_batches(self.detector, files)

    def load(
        self,
        files: Sequence[dataset.ImageFile],
        *,
        image_size: int | None = None,
    ) -> np.ndarray:
        """Loads the images of files.

        Args:
            files: At least one.
            image_size: Side in pixels; None for the detector's height and
                width.

        Returns:
            images: float32 of shape (n, height, width, channels) in [-1, 1].
        """
        return image_tensors.load_images(
            [file.path for file in files],
            image_size=image_size or self.image_size,
            channels=self.channels,
        )

    def detect(
        self, files: Sequence[dataset.ImageFile], *, pictures: bool = False
    ) -> Detection:
        """Applies the detector to files.

        Args:
            files: At least one.
            pictures: Whether reconstructions and anomaly maps are kept.

        Returns:
            detection: `Detection` of arrays, a row for each file.
        """
        return detection_pass.detect_files(
            self.detector,
            self.batches(files),
            num_images=len(files),
            keep=(lambda d: d) if pictures else detection_pass.without_pictures,
        )

    def assess(self, *, data: str, method: str) -> Assessment:
        """Scores the test images by the detector and by the baselines.

        Each test and calibration image is inverted once.

        Args:
            data: What `--data` was.
            method: What `--method` was.

        Returns:
            assessment: `Assessment`.

        Raises:
            UserError: If there is no test image.
        """
        files = self.split.test
        if not files:
            raise UserError(
                "Expected test images. Received: none. Add a folder test/ with "
                "images to the MVTec-AD folder and train again"
            )
        tested = detection_pass.detection_pass(
            self.detector, files, self.batches(files)
        )
        detection = tested.detection
        calibration = self.detect(self.split.calibration)
        scores = {p.name: getattr(detection, p.field) for p in SCORE_PARTS}
        decisions = self._own_decisions(calibration, detection)
        for name, (values, called) in self._baseline_scores(files).items():
            scores[name], decisions[name] = values, called
        results = {
            **self._facts(data, method),
            **self._compare_methods(files, scores, decisions),
            **self._expected_overkill(
                detection.p_values[[not file.label for file in files]]
            ),
            "auroc_by_part": self._auroc_by_part(files, detection),
            **self._frechet_by_set(files, detection.descriptors),
            **({"pixel": tested.pixel_results} if tested.pixel_results else {}),
            **self._control(),
            "baseline_num_train": num_fitted(len(self.split.train)),
            "unreadable": [
                {"name": file.name, "status": file.status}
                for file in self.split.unreadable
            ],
            "unusable_masks": tested.unusable_masks,
            "images_per_second": tested.images_per_second,
        }
        return Assessment(
            results,
            files,
            detection,
            scores,
            tested.regions,
            tested.pictures,
            calibration,
        )

    def _facts(self, data: str, method: str) -> dict[str, Any]:
        return {
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
            "num_groups": grouping.num_groups(self.split._asdict()),
        }

    def _compare_methods(self, files, scores, decisions) -> dict[str, Any]:
        labels = np.array([file.label for file in files])
        types = np.array([file.defect_type for file in files])
        return metrics.compare_methods(
            labels, types, scores, decisions, seed=self.seed
        )

    def _auroc_by_part(self, files, detection) -> dict[str, float | None]:
        labels = np.array([file.label for file in files])
        columns = zip(self.detector.parts, detection.part_scores.T, strict=True)
        return {name: metrics.auroc(labels, values) for name, values in columns}

    def _expected_overkill(self, p_values: np.ndarray) -> dict[str, Any]:
        """Overkill next to what the calibration lets expect.

        Images of one thing may be called defective together: they count once.
        """
        things = grouping.things_of(self.split.test_qualified)
        counts = {
            "num_calibration": len(self.detector.calibrator_.scores_),
            "num_images": len(set(things.values())),
        }
        return {
            "overkill_rate_expected95": metrics.expected_rate95(
                self.detector.alpha, **counts
            ),
            "overkill_by_alpha": metrics.overkill_by_alpha(p_values, **counts),
        }

    def _own_decisions(
        self, calibration: Detection, detection: Detection
    ) -> dict[str, np.ndarray]:
        """Our decisions, and those that each part alone would give."""
        frechet = self.detector.frechet_scores_as_if_new(calibration)
        return {
            ANOMALY.name: detection.is_defective,
            FRECHET.name: self._decisions(frechet, detection.frechet_scores),
            RESIDUAL.name: self._decisions(
                calibration.reconstruction_errors,
                detection.reconstruction_errors,
            ),
        }

    def _decisions(self, calibration_scores, scores) -> np.ndarray:
        calibrator = ConformalCalibrator(alpha=self.detector.alpha)
        return calibrator.fit(calibration_scores).is_defective(scores)

    def _baseline_scores(self, files) -> dict[str, tuple]:
        """Scores and decisions of each baseline, by the same calibration."""
        scorer = BaselineScorer(
            self.split.train, channels=self.channels, seed=self.seed
        )
        scores = scorer.scores(self.split.calibration, files)
        return {
            name: (test, self._decisions(calibration, test))
            for name, (calibration, test) in scores.items()
        }

    def _frechet_by_set(self, files, descriptors) -> dict[str, Any]:
        """Fréchet distance of generated, qualified and each type's latents."""
        rows = {"qualified_test": []}
        for row, file in enumerate(files):
            name = file.defect_type if file.label else "qualified_test"
            rows.setdefault(name, []).append(row)
        points = {"generated": self._generated_latents()} | {
            name: descriptors[chosen] for name, chosen in rows.items() if chosen
        }
        gaussian = self.detector.latent_gaussian_
        return {
            "frechet_by_set": {
                name: gaussian.frechet_distance(of_set)
                for name, of_set in points.items()
            },
            "frechet_num_images": {
                name: len(of_set) for name, of_set in points.items()
            },
        }

    def _generated_latents(self) -> np.ndarray:
        return self.detector.generated_latents(
            NUM_GENERATED, seed=[self.seed, 0]
        ).numpy()

    def _control(self) -> dict[str, Any]:
        """Overkill on qualified images of another origin, if there are any."""
        if not self.split.control:
            return {}
        called = self.detect(self.split.control).is_defective
        count, total = int(called.sum()), len(called)
        return {
            "control": {
                "num_images": total,
                "overkill_rate": count / total,
                "overkill_rate_ci95": metrics.rate_ci95(count, total),
            }
        }


def open_assessor(data: str, model_dir: str, *, seed: int) -> Assessor:
    """Loads the fitted detector and the split of a model folder.

    Args:
        data: The `--data` that the GAN was trained on.
        model_dir: Folder that `train_gan.py` and `fit_detector.py` wrote.
        seed: Of baselines, bootstrap and generated images.

    Returns:
        assessor: `Assessor` of the fitted detector.

    Raises:
        UserError: If there is no split, GAN or detector, or
            images of the split are missing or have changed.
    """
    split = dataset.load_split(data, model_dir)
    return Assessor(load_detector(model_dir), split, seed=seed)
