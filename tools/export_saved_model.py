"""Exports the fitted detector as a SavedModel for TensorFlow Serving.

    python tools/export_saved_model.py --model_dir=/tmp/solar \
        --export_dir=saved_models/solar

writes `saved_models/solar/<version>/` with the signatures `serving_default`,
`images`, `score` and `inspect`, warm-up requests and a manifest.
"""

import os

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf import assessment
from ganad_tf import dataset
from ganad_tf import export
from ganad_tf import training
from ganad_tf.detector import OneClassDetector

_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of a trained and fitted model.", required=True
)
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Folder of the model's versions.", required=True
)
_VERSION = flags.DEFINE_integer(
    "version", None, "Version to write. Default: the next integer."
)
_NAME = flags.DEFINE_string(
    "name", None, "The model's name. Default: the name of --export_dir."
)


def main() -> None:
    config = training.TrainingConfig.load(_MODEL_DIR.value)
    detector = OneClassDetector.load(
        os.path.join(_MODEL_DIR.value, "detector"),
        training.load_gan(_MODEL_DIR.value),
    )
    split = artifacts.read_json(
        os.path.join(_MODEL_DIR.value, dataset.SPLIT_NAME),
        made_by="train_gan.py",
    )
    folder = os.path.abspath(_EXPORT_DIR.value)
    name = _NAME.value or os.path.basename(folder)
    path = export.export_saved_model(
        detector,
        folder,
        image_size=config.image_size,
        channels=config.channels,
        name=name,
        version=_VERSION.value,
        facts={
            "method": config.method,
            "seed": config.seed,
            "data": {
                "name": split["data"],
                "num_train": len(split["train"]),
                "num_calibration": len(split["calibration"]),
            },
            "versions": assessment.versions(),
        },
    )
    logging.info("The SavedModel is in %s. Next, score or serve:", path)
    print(
        f"python tools/score_images.py --saved_model={_EXPORT_DIR.value} "
        "--images=<folder> --output=scores.csv\n"
        f"docker run -p 8501:8501 -v {folder}:/models/{name} "
        f"-e MODEL_NAME={name} tensorflow/serving"
    )


if __name__ == "__main__":
    cli.run(main)
