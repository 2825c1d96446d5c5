"""Sends broken image files to everything that reads images.

    python tools/fuzz.py --saved_model=saved_models/solar --num_files=20000

mutates small PNG, JPEG, BMP and TIFF files (flipped bits, truncations, splices,
lying headers, vast claims) and sends them through the scan before a training
run, the scoring of a folder, the SavedModel and a server, with good images
between them. Prints a JSON: counts by reason, crashes, good images whose score
changed. Exit code 1 if there is any of the last two.
"""

import json
import sys

from absl import flags

import cli
from ganad_tf.benchmark import fuzz

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model",
    None,
    "SavedModel: a version's folder, or that of versions.",
    required=True,
)
_NUM_FILES = flags.DEFINE_integer(
    "num_files", 20000, "Broken files.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the files.", lower_bound=0)
_DIRECT_EVERY = flags.DEFINE_integer(
    "direct_every",
    1,
    "Send one of so many files to SavedModel and server themselves.",
    lower_bound=1,
)


def main() -> None:
    figures = fuzz.measure(
        _SAVED_MODEL.value,
        _NUM_FILES.value,
        seed=_SEED.value,
        direct_every=_DIRECT_EVERY.value,
    )
    print(json.dumps(figures, indent=2))
    if figures["crashes"] or figures["changed neighbours"]:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
