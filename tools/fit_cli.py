"""The flags of a fit, which `fit_detector*.py` share."""

from __future__ import annotations

import os
from typing import Any

from absl import flags

import cli
from ganad_tf import recipes
from ganad_tf.detector import model_folder
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.gan import inversion

_JOINT, _PAPER = recipes.JOINT.inversion, recipes.PAPER.inversion
_DATA = flags.DEFINE_string(
    "data", None, "The --data that the GAN was trained on.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder that train_gan.py wrote.", required=True
)
_ALPHA = flags.DEFINE_float(
    "alpha",
    None,
    "False-alarm rate: share of qualified images that may be called "
    "defective. At least 1 / (calibration images + 1). Default: "
    f"{model_folder.ALPHA:g}, or the least that so few calibration images can "
    "promise.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    None,
    "Images at a time. Default: 64, fewer where they are large.",
    lower_bound=1,
)
_INVERSION = (
    flags.DEFINE_integer(
        "num_steps",
        None,
        "Steps of the inversion's gradient descent. Default: "
        f"{_JOINT.num_steps} from the encoder's latent, "
        f"{_PAPER.num_steps} from the prior's mean with --method=paper.",
        lower_bound=0,
    ),
    flags.DEFINE_enum(
        "optimizer",
        None,
        inversion.OPTIMIZERS,
        f"Optimizer of the inversion. Default: {_JOINT.optimizer}, or "
        f"{_PAPER.optimizer} with --method=paper.",
    ),
    flags.DEFINE_float(
        "learning_rate",
        None,
        f"Step size of the inversion. Default: {_JOINT.learning_rate:g}, or "
        f"{_PAPER.learning_rate:g} with --method=paper.",
    ),
    flags.DEFINE_float(
        "prior_weight",
        0.0,
        "Weight of the mean squared latent in the inversion.",
    ),
    flags.DEFINE_integer(
        "num_restarts",
        0,
        "Further descents from noisy starts; the best one counts.",
        lower_bound=0,
    ),
)


def arguments() -> dict[str, Any]:
    """What the flags say, by arguments of `model_folder.fit_detector`."""
    return {
        "data": _DATA.value,
        "model_dir": _MODEL_DIR.value,
        "alpha": _ALPHA.value,
        "batch_size": _BATCH_SIZE.value,
        **{f.name: f.value for f in _INVERSION if f.value is not None},
    }


def finish(detector: OneClassDetector) -> None:
    """Says what a fitted detector promises, where it is, what comes next."""
    data, model_dir = _DATA.value, _MODEL_DIR.value
    print(
        f"False-alarm rate (alpha): {detector.alpha:.3g}, by "
        f"{len(detector.calibrator_.scores_)} calibration images"
    )
    folder = os.path.join(model_dir, model_folder.DETECTOR_NAME)
    cli.finish(
        f"The detector is in {folder}",
        f"python tools/evaluate_detector.py --data={data} "
        f"--model_dir={model_dir} --report_dir=<folder>",
        f"python tools/look_first.py --data={data} --model_dir={model_dir}"
        "  # if the training images may hold defects",
    )
