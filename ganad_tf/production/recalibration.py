"""Recalibration: a trained detector for new light, by new good images.

The networks stay as they are. Scores of new good images become the calibration,
and, if asked for, the reference statistics become those of new good images.
Nothing in the model folder is replaced: the detector that the training data
gave stays what every recalibration is compared with, so that many small steps
cannot lead far away unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np

from ganad_tf import artifacts
from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.data.listing import ImageFile
from ganad_tf.detector import fitting
from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.conditional_field import NUM_FOLDS
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.model_folder import image_batches
from ganad_tf.detector.model_folder import load_detector
from ganad_tf.evaluation import metrics
from ganad_tf.production import new_files
from ganad_tf.production import new_images
from ganad_tf.production import reconstruction_limit
from ganad_tf.serving import export
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism

FOLDER = "recalibrated"
FACTS_NAME = "recalibration.json"
# Default folder of the published versions, in the model folder.
VERSIONS = "saved_model"


class Recalibration(NamedTuple):
    """What was published, and what changed."""

    version: str  # folder of the SavedModel
    folder: str  # of the recalibrated detector, in the model folder
    facts: dict[str, Any]  # content of its `FACTS_NAME`


def recalibrate(
    model_dir: str,
    images: str,
    *,
    export_dir: str | None = None,
    name: str | None = None,
    statistics: bool = False,
    alpha: float | None = None,
    marks_path: str | None = None,
    group_by: str | None = None,
) -> Recalibration:
    """Calibrates a model by new good images, and publishes the next version.

    The record in the model folder is complete before the version appears: a
    run that is killed leaves no version without one, and the next run takes
    the same number.

    Args:
        model_dir: Folder of the trained and fitted model; only
            `recalibrated/<version>` is added to it.
        images: Folder of new good images that show how the line is now; of a
            folder in MVTec-AD layout `train/good` alone.
        export_dir: Folder of the versions; `saved_model` in the model folder
            by default.
        name: The model's name in TensorFlow Serving; that of `export_dir` by
            default.
        statistics: Whether three quarters of the images, drawn by content and
            seed, become the reference statistics; the others calibrate.
        alpha: False-alarm rate; that of the model by default.
        marks_path: File of `marks.read_marks`: images that are not good, and
            are left out. Images that are good after all are added.
        group_by: Which images show one thing, as of `grouping.with_groups`; as
            the model was trained by default. One of each thing counts.

    Returns:
        recalibration: `Recalibration`.

    Raises:
        UserError: If the model or images are missing, there are too few of
            them, or the networks no longer reconstruct them.
        ModelError: If the written model gives other numbers.
    """
    config = TrainingConfig.load(model_dir)
    use_determinism(config.seed)
    recorded = _recorded_split(model_dir)
    files = new_files.choose_files(
        images,
        marks_path=marks_path,
        group_by=group_by or recorded.get("group_by"),
        trained={row["digest"] for row in recorded["train"]},
        seed=config.seed,
    )
    detector = load_detector(model_dir)
    fitted = _unfitted(
        detector,
        detector.alpha if alpha is None else alpha,
        len(files.drawn),
        statistics,
    )
    fit = _fit_statistics if statistics else _calibrate
    before, calibration = fit(detector, fitted, files, config.seed)
    ratios = reconstruction_limit.check(
        detector, before.residuals, statistics=statistics
    )
    facts = {
        "images": images,
        **files.facts,
        "statistics": statistics,
        "residual_ratios": ratios,
        **_changes(detector, fitted, before, len(calibration)),
    }
    path = _publish(
        fitted,
        calibration,
        facts,
        model_dir=model_dir,
        export_dir=export_dir or os.path.join(model_dir, VERSIONS),
        name=name,
        run_facts=export.facts_of_run(config, recorded),
    )
    return Recalibration(path, _folder(model_dir, path), facts)


def _folder(model_dir: str, version: str | int) -> str:
    return os.path.join(model_dir, FOLDER, os.path.basename(str(version)))


def _recorded_split(model_dir: str) -> dict[str, Any]:
    return artifacts.read_json(
        os.path.join(model_dir, dataset.SPLIT_NAME), made_by="train_gan.py"
    )


def _publish(
    fitted: OneClassDetector,
    calibration: Sequence[ImageFile],
    facts: dict[str, Any],
    *,
    model_dir: str,
    export_dir: str,
    name: str | None,
    run_facts: dict[str, Any],
) -> str:
    """Exports the next version; its record is complete before it appears."""

    def record(version: int) -> None:
        _record(_folder(model_dir, version), fitted, facts, calibration)

    return export.export_detector(
        fitted,
        export_dir,
        name=name,
        facts={**run_facts, "recalibration": facts},
        check_images=[
            image_files.read_image_bytes(file.path)
            for file in calibration[: export.NUM_CHECK_IMAGES]
        ],
        record=record,
    )


def _record(
    folder: str,
    fitted: OneClassDetector,
    facts: dict[str, Any],
    calibration: Sequence[ImageFile],
) -> None:
    """Keeps the recalibrated detector and what it was calibrated with."""
    fitted.save(folder)
    rows = [{"name": file.name, "digest": file.digest} for file in calibration]
    artifacts.write_json(
        os.path.join(folder, FACTS_NAME), {**facts, "calibration_images": rows}
    )


def _calibrate(
    detector: OneClassDetector,
    fitted: OneClassDetector,
    files: new_files.NewFiles,
    seed: int,
) -> tuple[new_images.NewImages, Sequence[ImageFile]]:
    """Fits the calibration alone, and says what was before of the images.

    The statistics are the same, so each image is measured once for both.
    """
    fitted.calibrator_.check_enough(len(files.drawn))
    fitted.latent_gaussian_ = detector.latent_gaussian_
    fitted.residual_statistics_ = detector.residual_statistics_
    if detector.field is not None:
        fitted.field.fields_ = detector.field.fields_
    residuals: list[np.ndarray] = []
    log_parts = fitting.calibrate(
        fitted, image_batches(fitted, files.drawn), residuals=residuals
    )
    before = new_images.judge(detector, log_parts, np.concatenate(residuals))
    return before, files.drawn


def _fit_statistics(
    detector: OneClassDetector,
    fitted: OneClassDetector,
    files: new_files.NewFiles,
    seed: int,
) -> tuple[new_images.NewImages, Sequence[ImageFile]]:
    """Fits the statistics, too; of each image one or the other is fitted."""
    reference, calibration = files.divided(seed, least=2 * NUM_FOLDS)
    fitted.calibrator_.check_enough(len(calibration))
    before = new_images.measure(detector, image_batches(detector, files.drawn))
    fitted.fit(
        image_batches(fitted, reference), image_batches(fitted, calibration)
    )
    return before, calibration


def _unfitted(
    detector: OneClassDetector, alpha: float, num_images: int, statistics: bool
) -> OneClassDetector:
    field = detector.get_config()["field"]
    if statistics and field is not None:
        # Fewer latents of few images, as where the model was fitted.
        least = round(num_images * (1.0 - new_files.CALIBRATION_SHARE)) // 4
        dim = min(field["latent_dim"], max(least, 1))
        field = field | {"latent_dim": dim}
    return detector.unfitted(alpha=alpha, field=field)


def _changes(
    detector: OneClassDetector,
    fitted: OneClassDetector,
    before: new_images.NewImages,
    num_calibration: int,
) -> dict[str, Any]:
    """Threshold and overkill, before and after.

    Scores are scaled by the calibration images, so thresholds of two
    calibrations do not compare: `threshold_on_earlier_scale` does.
    """
    count, total = int(before.is_defective.sum()), len(before.is_defective)
    moved = np.median(before.part_scores, axis=0)
    needed = ConformalCalibrator(alpha=fitted.alpha).fit(before.anomaly_scores)
    return {
        "before": {
            "threshold": detector.calibrator_.threshold_,
            "alpha": detector.alpha,
            "num_calibration": len(detector.calibrator_.scores_),
            "num_images": total,
            "overkill_rate": count / total,
            "overkill_rate_ci95": metrics.rate_ci95(count, total),
        },
        "after": {
            "threshold": fitted.calibrator_.threshold_,
            "threshold_on_earlier_scale": needed.threshold_,
            "alpha": fitted.alpha,
            "num_calibration": num_calibration,
            "overkill_rate": fitted.alpha,
            "overkill_rate_expected95": metrics.expected_rate95(
                fitted.alpha, num_calibration=num_calibration, num_images=10**4
            ),
        },
        # 0 is the earlier calibration's median, 1 about its 95 % quantile.
        "median_parts": dict(
            zip(detector.parts, moved.astype(float).tolist(), strict=True)
        ),
    }
