"""Evaluates the detector beside classical baselines on the same split.

    python tools/evaluate_detector.py --data=elpv:mono \
        --model_dir=/tmp/solar --report_dir=/tmp/solar/report

writes `results.json`, `scores.csv`, `regions.csv` (where the maps
are above their threshold), `report.html`, which lists every missed image and
why, and `examples.png`, one case of each kind. Baselines are fitted to the
same training images and thresholded by the same calibration images; nothing is
chosen by defective or test images.
`tensorboard --logdir=/tmp/solar` shows the scores, ROC and precision-recall
curves, the latents in the projector, and the run's row among others (HParams).
"""

import dataclasses
import os

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf.detector import regions
from ganad_tf.evaluation import assessment
from ganad_tf.evaluation import report
from ganad_tf.evaluation import summaries
from ganad_tf.serving import score_table
from ganad_tf.training import held_out_losses
from ganad_tf.training import tensorboard_runs
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism

_DATA = flags.DEFINE_string(
    "data", None, "The --data that the GAN was trained on.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder that train_gan.py wrote.", required=True
)
_REPORT_DIR = flags.DEFINE_string(
    "report_dir", None, "Folder to write the report to.", required=True
)


def _rows(found: assessment.Assessment, unreadable) -> list[score_table.Row]:
    detection = found.detection
    rows = [
        score_table.Row(
            file.name,
            file.defect_type,
            *(float(column[row]) for column in detection[:4]),
            bool(detection.is_defective[row]),
        )
        for row, file in enumerate(found.files)
    ]
    return rows + [
        score_table.Row(file.name, file.defect_type, status=file.status)
        for file in unreadable
    ]


def _write_summaries(
    assessor: assessment.Assessor,
    found: assessment.Assessment,
    config: TrainingConfig,
) -> None:
    """What TensorBoard shows of the evaluation."""
    rows = summaries.projected_files(assessor.split)
    files = [file for _, file in rows]
    projected = assessor.detect(files)
    with tensorboard_runs.new_run(_MODEL_DIR.value, "evaluation") as folder:
        summaries.write_scores(
            folder,
            labels=[file.label for file in found.files],
            scores=found.scores,
            threshold=assessor.detector.calibrator_.threshold_,
        )
        summaries.write_projector(
            folder,
            latents=projected.latents,
            images=assessor.load(files),
            rows=rows,
            is_defective=projected.is_defective,
        )
    metrics = {
        **held_out_losses.read_result(_MODEL_DIR.value),
        "auroc": found.results["auroc"]["anomaly_score"],
        "images_per_second": found.results["images_per_second"],
    }
    tensorboard_runs.write_hparams(
        _MODEL_DIR.value, dataclasses.asdict(config), metrics
    )


def main() -> None:
    config = TrainingConfig.load(_MODEL_DIR.value)
    use_determinism(config.seed)
    assessor = assessment.open_assessor(
        _MODEL_DIR.value, data=_DATA.value, seed=config.seed
    )
    found = assessor.assess(data=_DATA.value, method=config.method)
    folder = _REPORT_DIR.value
    artifacts.write_text(
        os.path.join(folder, "scores.csv"),
        score_table.to_csv(_rows(found, assessor.split.unreadable)),
    )
    artifacts.write_text(
        os.path.join(folder, "regions.csv"),
        regions.to_csv(
            (file.name, rows)
            for file, rows in zip(found.files, found.regions, strict=True)
        ),
    )
    panels = assessor.panels(found)
    artifacts.write_bytes(
        os.path.join(folder, "examples.png"),
        report.panels_png([rows[0] for rows in panels.values()]),
    )
    report.write_report(
        os.path.join(folder, "report.html"),
        found.results,
        missed=assessor.misses(found),
        labels=[file.label for file in found.files],
        scores=found.scores,
        threshold=assessor.detector.calibrator_.threshold_,
        panels=panels,
    )
    artifacts.write_json(os.path.join(folder, "results.json"), found.results)
    _write_summaries(assessor, found, config)
    logging.info("The report is %s. Next:", os.path.join(folder, "report.html"))
    print(
        f"python tools/export_saved_model.py --model_dir={_MODEL_DIR.value} "
        "--export_dir=<folder>"
    )


if __name__ == "__main__":
    cli.run(main)
