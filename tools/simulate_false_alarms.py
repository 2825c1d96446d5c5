"""Shows that no more good images are called defective than alpha promises.

    python tools/simulate_false_alarms.py --num_images=2000 --num_draws=1000
    python tools/simulate_false_alarms.py --data=parts/ --model_dir=model

Qualified images are measured once by a fitted detector. In each draw some of
them calibrate it and it judges all others. Prints false alarms at alpha .01,
.05 and .1 of 19, 39, 99 and 400 calibration images as a Markdown table, beside
the good images in whose map the detector would mark a region, and writes a
JSON; exit code 1 says that the promise is not kept. Images are parts that a
program draws; with --data and --model_dir of a trained and fitted model, those
that it holds out: calibration and qualified test images.
"""

import sys

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf.benchmark import false_alarms
from ganad_tf.benchmark import trained_model
from ganad_tf.errors import UserError

_OUTPUT = flags.DEFINE_string(
    "output", "false_alarms.json", "JSON file to write the figures to."
)
_DATA = flags.DEFINE_string(
    "data", None, "For --model_dir: the --data that its GAN was trained on."
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of a trained and fitted model."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", 2000, "Parts to draw without --model_dir.", lower_bound=20
)
_NUM_DRAWS = flags.DEFINE_integer(
    "num_draws",
    1000,
    "Draws of each number of calibration images.",
    lower_bound=2,
)
_SEED = flags.DEFINE_integer("seed", 0, "Of parts and draws.", lower_bound=0)


def main() -> None:
    if bool(_MODEL_DIR.value) != bool(_DATA.value):
        raise UserError("Expected both or neither of --model_dir and --data")
    if _MODEL_DIR.value:
        model = trained_model.load(_DATA.value, _MODEL_DIR.value)
        measured = false_alarms.measure_held_out(model)
    else:
        measured = false_alarms.measure_drawn_parts(
            _NUM_IMAGES.value, seed=_SEED.value
        )
    logging.info("Measured %d images in %d parts.", *measured.log_parts.shape)
    outcomes = false_alarms.simulate(
        measured, num_draws=_NUM_DRAWS.value, seed=_SEED.value
    )
    facts = {
        "data": _DATA.value,
        "num_images": measured.num_images,
        "num_draws": _NUM_DRAWS.value,
        "seed": _SEED.value,
    }
    rows = [outcome._asdict() for outcome in outcomes]
    artifacts.write_json(_OUTPUT.value, {**facts, "outcomes": rows})
    print(false_alarms.markdown(outcomes))
    logging.info("The figures are in %s.", _OUTPUT.value)
    if not all(outcome.obstacle or outcome.is_kept for outcome in outcomes):
        logging.error("There are more false alarms than alpha promises.")
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
