"""Shows that scores do not depend on TensorFlow's kernels and threads.

    python tools/compare_settings.py --saved_model=saved_models/solar \
        --images=today/

scores the images with and without oneDNN and with several numbers of threads,
each time in a new process. Prints a JSON: how far scores, p-values and
decisions differ from those with oneDNN and the default threads. Exit code 1 if
a score differs by more than 1e-4 relative, or any decision.
"""

import json
import os
import sys

from absl import flags

import light_cli
from ganad_tf.benchmark import runtime_settings

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model",
    None,
    "SavedModel: a version's folder, or that of versions.",
    required=True,
)
_IMAGES = flags.DEFINE_string(
    "images", None, "Image file, folder (any depth) or glob.", required=True
)


def main() -> None:
    differences = runtime_settings.measure(
        os.path.dirname(os.path.abspath(__file__)),
        _SAVED_MODEL.value,
        _IMAGES.value,
    )
    print(json.dumps(differences, indent=2))
    if not runtime_settings.is_kept(differences):
        sys.exit(1)


if __name__ == "__main__":
    light_cli.run(main)
