"""Fits the detector: statistics of latents, field and residuals, calibration.

    python tools/fit_detector.py --data=elpv:mono --model_dir=/tmp/solar

reads the split that `train_gan.py` wrote, fits the statistics to its training
images and the p-values to its held-out calibration images, and writes them to
`model_dir/detector/`. `tensorboard --logdir=/tmp/solar` shows loss and latent
norm at each step of the inversion.
"""

from absl import flags

import cli
import fit_cli
from ganad_tf.detector import model_folder

flags.adopt_module_key_flags(fit_cli)
_TRIM = flags.DEFINE_bool(
    "trim",
    False,
    "Leave out images that are most unlike the rest, out of fold: for data "
    "that may hold defects. Takes four times as long; outliers.txt in the "
    "model folder names them. look_first.py shows them.",
)


def main() -> None:
    detector = model_folder.fit_detector(
        trim=_TRIM.value, **fit_cli.arguments()
    )
    fit_cli.finish(detector)


if __name__ == "__main__":
    cli.run(main)
