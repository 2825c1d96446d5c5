"""Measures speed and memory on this machine, next to the machine's ceilings.

    python tools/benchmark.py --output=benchmark.json
    python tools/benchmark.py --data=elpv:mono --model_dir=model

Writes a JSON, and the same as a Markdown table beside it and on the terminal.
Images are synthetic, networks have the default sizes for 64x64 gray
images. With --data and --model_dir of a trained and fitted model, the detector
is also compared with AnoGAN's latent search, and each number of inversion steps
is measured (AUROC, images/s). What cannot run here is logged at the start.
`ganad_tf/benchmark/README.md` explains the figures.
"""

import pathlib

from absl import flags
from absl import logging

import cli
import load_cli
from ganad_tf.benchmark import runner
from ganad_tf.benchmark import suite
from ganad_tf.errors import UserError

_OUTPUT = flags.DEFINE_string(
    "output", "benchmark.json", "JSON file to write the figures to."
)
_QUICK = flags.DEFINE_bool(
    "quick", False, "Check that everything works: two runs, small sizes."
)
_NUM_RUNS = flags.DEFINE_integer(
    "num_runs", 5, "Runs of each part; figures are medians.", lower_bound=1
)
_NUM_IMAGES = flags.DEFINE_list(
    "num_images",
    ["1000", "10000"],
    "Sizes in images of the synthetic folders to read; at least two.",
)
_DATA = flags.DEFINE_string(
    "data", None, "For --model_dir: the --data that its GAN was trained on."
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of a trained and fitted model."
)
_NUM_PEER_IMAGES = flags.DEFINE_integer(
    "num_peer_images",
    192,
    "Test images of the comparison with AnoGAN.",
    lower_bound=2,
)
_PEER_STEPS = flags.DEFINE_integer(
    "peer_steps", 500, "Steps of AnoGAN's search.", lower_bound=1
)
_SCORE_TOOL = pathlib.Path(__file__).resolve().parent / "score_images.py"
flags.register_validator(
    "num_images",
    lambda values: len(values) > 1 and all(v.isdecimal() for v in values),
    message="Expected at least two numbers, such as 1000,10000",
)


def _settings() -> suite.Settings:
    settings = suite.Settings(
        num_runs=_NUM_RUNS.value,
        folder_sizes=tuple(map(int, _NUM_IMAGES.value)),
        num_peer_images=_NUM_PEER_IMAGES.value,
        num_peer_steps=_PEER_STEPS.value,
        load=load_cli.load_plan(),
    )
    return settings.quick() if _QUICK.value else settings


def main() -> None:
    if bool(_MODEL_DIR.value) != bool(_DATA.value):
        raise UserError("Expected both or neither of --model_dir and --data")
    parts = suite.list_parts(
        _settings(),
        score_tool=str(_SCORE_TOOL),
        model_dir=_MODEL_DIR.value,
        data=_DATA.value,
    )
    figures = runner.run(parts, _OUTPUT.value)
    print(runner.markdown(figures))
    path = runner.markdown_path(_OUTPUT.value)
    logging.info("The figures are in %s and %s.", _OUTPUT.value, path)


if __name__ == "__main__":
    cli.run(main)
