"""Reproduces every figure and table of the paper with a trained model.

    python tools/reproduce_paper.py --data=elpv:mono --model_dir=/tmp/solar \
        --report_dir=/tmp/solar/paper

writes `paper.html`, which needs no other file, its pictures as PNG, and its
numbers as `paper.json`. Each figure and table stands beside what the paper
shows there and a sentence on what agrees and what does not.
Solar cells take about four minutes on two cores.
"""

import os
import time

from absl import flags

import cli
from ganad_tf import progress
from ganad_tf.paper import reproduce

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
    "report_dir", None, "Folder to write the page to.", required=True
)


def main() -> None:
    start = time.monotonic()
    folder = _REPORT_DIR.value
    reproduce.reproduce_paper(_DATA.value, _MODEL_DIR.value, folder)
    page = os.path.join(folder, "paper.html")
    seconds = time.monotonic() - start
    cli.finish(
        f"The page is {page} ({progress.duration(seconds)})",
        f"tensorboard --logdir={_MODEL_DIR.value}",
    )


if __name__ == "__main__":
    cli.run(main)
