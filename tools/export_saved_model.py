"""Exports the fitted detector as a SavedModel for TensorFlow Serving.

    python tools/export_saved_model.py --model_dir=/tmp/solar \
        --export_dir=saved_models/solar

writes `saved_models/solar/<version>/` with the signatures `serving_default`,
`images`, `score` and `inspect`, warm-up requests and a manifest. The version
appears when it is complete and has given the detector's numbers through the C++
runtime of TensorFlow Serving; with --data for real images, else for noise.

    python tools/export_saved_model.py --model_dir=/tmp/solar \
        --export_dir=saved_models/solar_fast --data=elpv:mono --num_steps=0

exports a faster one: statistics and calibration are fitted again for it.
"""

import os

from absl import flags

import cli
from ganad_tf.serving import export

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
    "fit_detector.py needs --data: the detector is fitted and calibrated "
    "again. benchmark.py --data --model_dir measures each number's AUROC and "
    "speed.",
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


def main() -> None:
    path = export.export_saved_model(
        _MODEL_DIR.value,
        _EXPORT_DIR.value,
        name=_NAME.value,
        version=_VERSION.value,
        num_steps=_NUM_STEPS.value,
        data=_DATA.value,
        batch_size=_BATCH_SIZE.value,
    )
    folder = os.path.abspath(_EXPORT_DIR.value)
    name = _NAME.value or os.path.basename(folder)
    cli.finish(
        f"The SavedModel is in {path}",
        f"python tools/score_images.py --saved_model={_EXPORT_DIR.value} "
        "--images=<folder> --output=scores.csv",
        f"docker run -p 8500:8500 -p 8501:8501 -v {folder}:/models/{name} "
        f"-e MODEL_NAME={name} tensorflow/serving",
    )


if __name__ == "__main__":
    cli.run(main)
