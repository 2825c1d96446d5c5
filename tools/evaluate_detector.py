"""Evaluates the detector beside classical baselines on the same split.

    python tools/evaluate_detector.py --data=elpv:mono \
        --model_dir=/tmp/solar --report_dir=/tmp/solar/report

writes `results.json`, `scores.csv`, `regions.csv` (the regions of the anomaly
maps above their threshold), `report.html`, which lists every missed image and
why, and `examples.png`, one case of each kind. Baselines are fitted to the
same training images and thresholded by the same calibration images; nothing is
chosen by defective or test images.
`tensorboard --logdir=/tmp/solar` shows the scores, ROC and precision-recall
curves, the latents in the projector, and the run's row among others (HParams).
"""

import os

from absl import flags

import cli
from ganad_tf.evaluation import evaluate

_DATA = flags.DEFINE_string(
    "data", None, "The --data that the GAN was trained on.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir",
    None,
    "Folder that train_gan.py and fit_detector.py wrote.",
    required=True,
)
_REPORT_DIR = flags.DEFINE_string(
    "report_dir", None, "Folder to write the report to.", required=True
)
_MARKS = flags.DEFINE_string(
    "marks",
    None,
    "Marks that report.html downloads: test images that are good after all, or "
    "defective, whatever their folder says. A plain list names defective ones.",
)


def main() -> None:
    folder = _REPORT_DIR.value
    evaluate.evaluate_detector(
        _DATA.value, _MODEL_DIR.value, folder, marks_path=_MARKS.value
    )
    cli.finish(
        f"The report is {os.path.join(folder, 'report.html')}",
        f"python tools/export_saved_model.py --model_dir={_MODEL_DIR.value} "
        "--export_dir=<folder>",
    )


if __name__ == "__main__":
    cli.run(main)
