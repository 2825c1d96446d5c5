"""Measures how soon monitor_scores.py tells drifts made from real images.

    python tools/measure_drift.py --data=parts/ --model_dir=model

Held-out good images get other gain, offset, gamma, blur, JPEG compression,
shift, rotation, noise and a dead column, at the size at which they are judged.
Prints a Markdown table of verdicts and of images until the alarm, and writes a
JSON. Takes about as long as 30 evaluations of these images.
"""

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf.benchmark import drift_delays
from ganad_tf.benchmark import trained_model

_DATA = flags.DEFINE_string(
    "data", None, "The --data that the GAN was trained on.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of a trained and fitted model.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", "drift.json", "JSON file to write the figures to."
)
_NUM_LINES = flags.DEFINE_integer(
    "num_lines", 100, "Lines of each drift.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the draws.", lower_bound=0)


def main() -> None:
    model = trained_model.load(_DATA.value, _MODEL_DIR.value)
    outcomes = drift_delays.simulate(
        drift_delays.measure(model),
        model.detector.fusion_.weights,
        num_lines=_NUM_LINES.value,
        seed=_SEED.value,
    )
    rows = [outcome._asdict() for outcome in outcomes]
    artifacts.write_json(
        _OUTPUT.value,
        {
            "data": _DATA.value,
            "num_lines": _NUM_LINES.value,
            "seed": _SEED.value,
            "drifts": rows,
        },
    )
    print(drift_delays.markdown(outcomes))
    logging.info("The figures are in %s.", _OUTPUT.value)


if __name__ == "__main__":
    cli.run(main)
