"""Checks that an exported model gives the same numbers on every way to it.

    python tools/check_saved_model.py --saved_model=saved_models/solar \
        --data=elpv:mono --model_dir=/tmp/solar

sends real images through the C API of TensorFlow's library (the loader of
TensorFlow Serving, without any Python of TensorFlow), through saved_model_cli
and, with --model_dir, through the detector itself, and prints a JSON report.
Every signature must give the same rows (relative tolerance 1e-4), alone, in a
batch of 64, permuted, and asked by 8 threads at once; the warm-up requests and
empty batches must run. Exit code 1 if a check fails.
"""

import json
import os
import sys

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.serving import parity
from ganad_tf.serving import saved_model as serving
from ganad_tf.training import building

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


def _read_some(data: str, count: int) -> list[bytes]:
    """Readable images, evenly spread over the data."""
    files = dataset.list_images(data)
    found = []
    for file in files[:: max(1, len(files) // count)][:count]:
        try:
            found.append(image_files.read_image_bytes(file.path))
        except ValueError as error:
            logging.warning("Left out %s: %s.", file.name, error)
    if len(found) < 2:
        raise ValueError(
            f"Too few readable images in --data={data}: expected at least 2, "
            f"received {len(found)}"
        )
    return found


def _detector() -> OneClassDetector | None:
    if _MODEL_DIR.value is None:
        return None
    return OneClassDetector.load(
        os.path.join(_MODEL_DIR.value, "detector"),
        building.load_gan(_MODEL_DIR.value),
    )


def main() -> None:
    path = serving.newest_version(_SAVED_MODEL.value)
    report = parity.check_saved_model(
        path, _read_some(_DATA.value, _NUM_IMAGES.value), detector=_detector()
    )
    if _REPORT.value:
        artifacts.write_json(_REPORT.value, report)
    print(json.dumps(report, indent=2))
    for line in parity.failures(report):
        logging.error("Failed: %s", line)
    if not report["passed"]:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
