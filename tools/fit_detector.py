"""Fits the detector: latent and residual statistics, then the calibration.

    python tools/fit_detector.py --data=elpv:mono --model_dir=/tmp/solar

reads the split that the training wrote, fits the statistics to its training
images and the p-values to its held-out calibration images, and writes them to
`model_dir/detector/`; `tensorboard --logdir=/tmp/solar` shows how the
inversions went, step by step.
"""

import os

from absl import flags
from absl import logging

import cli
from ganad_tf import progress
from ganad_tf.data import dataset
from ganad_tf.data import images
from ganad_tf.detector import detector
from ganad_tf.evaluation import summaries
from ganad_tf.gan import inversion
from ganad_tf.training import building
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.training.monitoring import NUM_MEASURED
from ganad_tf.training.sample_images import SampleImages

_DATA = flags.DEFINE_string(
    "data", None, "The --data that the GAN was trained on.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder that train_gan.py wrote.", required=True
)
_ALPHA = flags.DEFINE_float(
    "alpha",
    0.05,
    "False-alarm rate: share of qualified images that may be called "
    "defective. At least 1 / (calibration images + 1).",
)
_NUM_STEPS = flags.DEFINE_integer(
    "num_steps",
    None,
    "Steps of the inversion's gradient descent. Default: 3 from the "
    "encoder's latent, 0 (that latent as it is) for tiles, or 100 from the "
    "prior's mean with --method=paper.",
    lower_bound=0,
)
_OPTIMIZER = flags.DEFINE_enum(
    "optimizer",
    None,
    inversion.OPTIMIZERS,
    "Of the inversion. Default: momentum, or sgd with --method=paper.",
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate",
    None,
    "Step size of the inversion. Default: 1, or 10 with --method=paper.",
)
_PRIOR_WEIGHT = flags.DEFINE_float(
    "prior_weight", 0.0, "Weight of the mean squared latent in the inversion."
)
_NUM_RESTARTS = flags.DEFINE_integer(
    "num_restarts", 0, "Further searches from moved starts.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    None,
    "Images at a time. Default: 64, fewer where they are large.",
    lower_bound=1,
)


def _inverter_arguments() -> dict:
    asked = {
        "num_steps": _NUM_STEPS.value,
        "optimizer": _OPTIMIZER.value,
        "learning_rate": _LEARNING_RATE.value,
        "prior_weight": _PRIOR_WEIGHT.value,
        "num_restarts": _NUM_RESTARTS.value,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _write_curves(fitted: detector.OneClassDetector, paths: list[str]) -> None:
    """The inversions of some held-out images, as TensorBoard shows them."""
    config = TrainingConfig.load(_MODEL_DIR.value)
    shown = SampleImages(paths).as_network_images(config, NUM_MEASURED)
    curves = fitted.inverter.curves(shown, fitted.gan.encode(shown))
    summaries.write_inversion(_MODEL_DIR.value, {"calibration_images": curves})


def main() -> None:
    config = TrainingConfig.load(_MODEL_DIR.value)
    use_determinism(config.seed)
    split = dataset.load_split(
        os.path.join(_MODEL_DIR.value, dataset.SPLIT_NAME), data=_DATA.value
    )
    fitted = detector.for_method(
        building.load_gan(_MODEL_DIR.value),
        method=config.method,
        aligned=config.aligned,
        alpha=_ALPHA.value,
        grid=config.grid,
        **_inverter_arguments(),
    )
    train, calibration = (
        progress.LoggedBatches(
            images.image_dataset(
                [file.path for file in files],
                image_size=fitted.image_shape[:2],
                channels=config.channels,
                batch_size=_BATCH_SIZE.value,
            ),
            total=len(files),
            what=f"Inverted {name} images",
        )
        for name, files in (
            ("training", split.train),
            ("calibration", split.calibration),
        )
    )
    fitted.fit(train, calibration)
    folder = os.path.join(_MODEL_DIR.value, "detector")
    fitted.save(folder)
    _write_curves(fitted, [file.path for file in split.calibration])
    logging.info("The detector is in %s. Next:", folder)
    print(
        f"python tools/evaluate_detector.py --data={_DATA.value} "
        f"--model_dir={_MODEL_DIR.value} --report_dir=<folder>"
    )


if __name__ == "__main__":
    cli.run(main)
