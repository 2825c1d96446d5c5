"""Exports the fitted detector as a SavedModel for TensorFlow Serving.

    python tools/export_saved_model.py --model_dir=/tmp/solar \
        --export_dir=saved_models/solar

writes `saved_models/solar/<version>/` with the signatures `serving_default`,
`images`, `score` and `inspect`, warm-up requests and a manifest. The version
appears when it is whole and has given the detector's numbers through the C++
runtime of TensorFlow Serving; with --data by real images, else by noise.

    python tools/export_saved_model.py --model_dir=/tmp/solar \
        --export_dir=saved_models/solar_fast --data=elpv:mono --num_steps=0

exports a faster one: statistics and calibration are fitted anew for it.
"""

import os

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.data import image_tensors
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.serving import export
from ganad_tf.serving import speed_dial
from ganad_tf.training import building
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.version import versions

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
_NUM_STEPS = flags.DEFINE_integer(
    "num_steps",
    None,
    "Steps of the inversion: fewer are faster. Another number than that of "
    "fit_detector.py needs --data, since it is fitted and calibrated anew. "
    "benchmark.py --data --model_dir shows what each number gives and costs.",
    lower_bound=0,
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "The --data that the GAN was trained on: for --num_steps, and to check "
    "the export by real images.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Images at a time.", lower_bound=1
)
NUM_CHECK_IMAGES = 16


def _check_num_steps(detector: OneClassDetector) -> bool:
    """Whether the detector has to be fitted anew."""
    fitted = detector.inverter.num_steps
    if _NUM_STEPS.value in (None, fitted):
        return False
    if not _DATA.value:
        raise ValueError(
            f"--num_steps={_NUM_STEPS.value} differs from the {fitted} steps "
            "that the detector is calibrated for. Expected --data, to "
            "calibrate it anew"
        )
    return True


def _refitted(detector: OneClassDetector, split: dataset.Split, channels: int):
    train, calibration = (
        image_tensors.image_dataset(
            [file.path for file in files],
            image_size=detector.image_shape[:2],
            channels=channels,
            batch_size=_BATCH_SIZE.value,
        )
        for files in (split.train, split.calibration)
    )
    return speed_dial.refit(
        detector, train, calibration, num_steps=_NUM_STEPS.value
    )


def _facts(config: TrainingConfig, split: dict) -> dict:
    return {
        "method": config.method,
        "seed": config.seed,
        "data": {
            "name": split["data"],
            "num_train": len(split["train"]),
            "num_calibration": len(split["calibration"]),
        },
        "versions": versions(),
    }


def main() -> None:
    config = TrainingConfig.load(_MODEL_DIR.value)
    use_determinism(config.seed)
    detector = OneClassDetector.load(
        os.path.join(_MODEL_DIR.value, "detector"),
        building.load_gan(_MODEL_DIR.value),
    )
    split_path = os.path.join(_MODEL_DIR.value, dataset.SPLIT_NAME)
    is_refitted, check_images = _check_num_steps(detector), None
    if _DATA.value:
        split = dataset.load_split(split_path, data=_DATA.value)
        if is_refitted:
            detector = _refitted(detector, split, config.channels)
        check_images = [
            image_files.read_image_bytes(file.path)
            for file in split.calibration[:NUM_CHECK_IMAGES]
        ]
    folder = os.path.abspath(_EXPORT_DIR.value)
    name = _NAME.value or os.path.basename(folder)
    path = export.export_saved_model(
        detector,
        folder,
        name=name,
        version=_VERSION.value,
        facts=_facts(
            config, artifacts.read_json(split_path, made_by="train_gan.py")
        ),
        check_images=check_images,
    )
    logging.info("The SavedModel is in %s. Next, score or serve:", path)
    print(
        f"python tools/score_images.py --saved_model={_EXPORT_DIR.value} "
        "--images=<folder> --output=scores.csv\n"
        f"docker run -p 8500:8500 -p 8501:8501 -v {folder}:/models/{name} "
        f"-e MODEL_NAME={name} tensorflow/serving"
    )


if __name__ == "__main__":
    cli.run(main)
