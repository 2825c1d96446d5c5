"""Evaluates a trained model: from its folder to a report of its test images."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from ganad_tf import artifacts
from ganad_tf import scores_csv
from ganad_tf import staging
from ganad_tf.data import dataset
from ganad_tf.detector import regions
from ganad_tf.evaluation import evidence
from ganad_tf.evaluation import map_pictures
from ganad_tf.evaluation import report
from ganad_tf.evaluation import summaries
from ganad_tf.evaluation.assessment import Assessment
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.evaluation.assessment import open_assessor
from ganad_tf.evaluation.corrected_labels import correct_labels
from ganad_tf.score_parts import ANOMALY
from ganad_tf.score_parts import SCALARS
from ganad_tf.training import held_out_losses
from ganad_tf.training import tensorboard_runs
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism


@staging.staged("model_dir", "report_dir")
def evaluate_detector(
    data: str,
    model_dir: str,
    report_dir: str,
    *,
    marks_path: str | None = None,
) -> dict[str, Any]:
    """Evaluates the detector beside the baselines on the model's test images.

    Starts Keras afresh with the seed of the training run, so that equal
    models give equal results.

    Args:
        data: The `--data` that the GAN was trained on.
        model_dir: Folder of the trained GAN and the fitted detector; the
            pages of TensorBoard are written below it.
        report_dir: Folder for `results.json`, `scores.csv`, `regions.csv`,
            `report.html` and `examples.png`.
        marks_path: File of `marks.read_marks`: test images whose label is
            corrected before anything is computed.

    Returns:
        results: The content of `results.json`.

    Raises:
        UserError: If the model folder is incomplete, its images are missing
            or have changed, there is no test image, or the marks name an
            image that is not in the data.
    """
    config = TrainingConfig.load(model_dir)
    use_determinism(config.seed)
    assessor = open_assessor(data, model_dir, seed=config.seed)
    assessor.split, corrected = correct_labels(assessor.split, marks_path)
    assessment = assessor.assess(data=data, method=config.method)
    facts = dataset.read_facts(model_dir, "group_by", "near_copies")
    assessment.results.update({**facts, "marks": corrected})
    _write_tables(report_dir, assessor, assessment)
    _write_pictures(report_dir, assessor, assessment)
    artifacts.write_json(
        os.path.join(report_dir, "results.json"), assessment.results
    )
    _write_summaries(model_dir, assessor, assessment)
    _write_hparams(model_dir, config, assessment.results)
    return assessment.results


def _score_rows(
    assessor: Assessor, assessment: Assessment
) -> list[scores_csv.Row]:
    detection = assessment.detection
    rows = [
        scores_csv.scored_row(
            file.name,
            {
                name: getattr(detection, field)[row]
                for name, field in SCALARS.items()
            },
            file.defect_type,
        )
        for row, file in enumerate(assessment.files)
    ]
    return rows + [
        scores_csv.Row(file.name, file.defect_type, status=file.status)
        for file in assessor.split.unreadable
    ]


def _write_tables(
    report_dir: str, assessor: Assessor, assessment: Assessment
) -> None:
    artifacts.write_text(
        os.path.join(report_dir, "scores.csv"),
        scores_csv.to_csv(_score_rows(assessor, assessment)),
    )
    names = [file.name for file in assessment.files]
    artifacts.write_text(
        os.path.join(report_dir, "regions.csv"),
        regions.to_csv(zip(names, assessment.regions, strict=True)),
    )


def _write_pictures(
    report_dir: str, assessor: Assessor, assessment: Assessment
) -> None:
    panels = evidence.example_panels(assessor, assessment)
    artifacts.write_bytes(
        os.path.join(report_dir, "examples.png"),
        map_pictures.panels_png([rows[0] for rows in panels.values()]),
    )
    report.write_report(
        os.path.join(report_dir, "report.html"),
        assessment.results,
        missed=evidence.list_misses(assessor, assessment),
        labels=assessment.labels,
        scores=assessment.scores,
        threshold=assessor.detector.calibrator_.threshold_,
        panels=panels,
        entries=evidence.gallery_entries(assessor, assessment),
    )


def _projected(
    assessor: Assessor, assessment: Assessment, files
) -> tuple[np.ndarray, np.ndarray]:
    """Latents and decisions of files; only training images are inverted."""
    # Latents of calibration and test images are known from the assessment.
    training_images = set(assessor.split.train)
    train = [file for file in files if file in training_images]
    detections = {}
    for known, detection in (
        (train, assessor.detect(train)),
        (assessor.split.calibration, assessment.calibration),
        (assessment.files, assessment.detection),
    ):
        rows = zip(detection.latents, detection.is_defective, strict=True)
        detections |= zip(known, rows, strict=True)
    latents, decisions = zip(*(detections[f] for f in files), strict=True)
    return np.stack(latents), np.array(decisions)


def _write_summaries(
    model_dir: str, assessor: Assessor, assessment: Assessment
) -> None:
    """Writes what TensorBoard shows of the scores and the latents."""
    rows = summaries.projected_files(assessor.split)
    files = [file for _, file in rows]
    latents, decisions = _projected(assessor, assessment, files)
    with tensorboard_runs.new_run(model_dir, "evaluation") as folder:
        summaries.write_scores(
            folder,
            labels=assessment.labels,
            scores=assessment.scores,
            threshold=assessor.detector.calibrator_.threshold_,
        )
        summaries.write_projector(
            folder,
            latents=latents,
            images=assessor.load(files),
            rows=rows,
            is_defective=decisions,
        )


def _write_hparams(
    model_dir: str, config: TrainingConfig, results: dict[str, Any]
) -> None:
    """Adds the figures of the evaluation to those of the training run."""
    figures = {
        **held_out_losses.read_result(model_dir),
        "auroc": results["auroc"][ANOMALY.name],
        "images_per_second": results["images_per_second"],
    }
    tensorboard_runs.write_hparams(
        model_dir, dataclasses.asdict(config), figures
    )
