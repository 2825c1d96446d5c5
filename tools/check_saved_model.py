"""Checks that an exported model gives the same numbers on every way to it.

    python tools/check_saved_model.py --saved_model=saved_models/solar \
        --data=elpv:mono --model_dir=/tmp/solar

sends real images through the C API of TensorFlow's library (the loader of
TensorFlow Serving, without any Python of TensorFlow), through saved_model_cli
and, with --model_dir, through the detector itself, and prints a JSON report.
Every signature must give the same rows (relative tolerance 1e-4), alone, in a
batch of 64, permuted, and called by 8 threads at once; the warm-up requests and
empty batches must run. Exit code 1 if a check fails.
"""

import json
import sys

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf import staging
from ganad_tf.detector.model_folder import load_detector
from ganad_tf.serving import comparison
from ganad_tf.serving import parity
from ganad_tf.serving import saved_model

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model",
    None,
    "SavedModel: a version's folder, or the folder of the versions, of which "
    "the newest is taken.",
    required=True,
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Images to send: a folder (any depth), an MVTec-AD folder, elpv:mono or "
    "elpv:poly.",
    required=True,
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir",
    None,
    "Folder of the trained and fitted model that was exported, to compare the "
    "detector's own numbers too.",
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", 48, "Images to send, evenly spread.", lower_bound=2
)
_REPORT = flags.DEFINE_string(
    "report", None, "JSON file to write the report to as well."
)


def main() -> None:
    model_dir = _MODEL_DIR.value
    path = saved_model.newest_version(_SAVED_MODEL.value)
    with staging.local_folder(path) as folder:
        report = parity.check_saved_model(
            folder,
            parity.sample_images(_DATA.value, _NUM_IMAGES.value),
            detector=load_detector(model_dir) if model_dir else None,
        )
    report["saved_model"] = path
    if _REPORT.value:
        artifacts.write_json(_REPORT.value, report)
    print(json.dumps(report, indent=2))
    for line in comparison.failures(report["checks"]):
        logging.error("Failed: %s", line)
    if not report["passed"]:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
