"""Trains a model for each product of a folder, and prepares one server for all.

    python tools/train_products.py --products=parts/ --model_dir=models \
        --export_dir=saved_models

runs train_gan.py, fit_detector.py, evaluate_detector.py and
export_saved_model.py for every folder in `parts/`, several at a time, prints a
table, and writes `models.config` and `docker-compose.yml` for one TensorFlow
Serving that serves all of them. Run again, it resumes and repeats nothing that
is complete; a product that fails does not stop the others.
"""

import os
import subprocess
import sys

from absl import flags

import light_cli
from ganad_tf import child_process
from ganad_tf.errors import UserError
from ganad_tf.production import products
from ganad_tf.production import serving_files

_PRODUCTS = flags.DEFINE_string(
    "products",
    None,
    "Folder with a folder for each product, as --data of train_gan.py.",
    required=True,
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder for the model folders.", required=True
)
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Folder for the served models.", required=True
)
_NUM_PARALLEL = flags.DEFINE_integer(
    "num_parallel",
    None,
    "Products at a time, each with its share of the cores. Default: half as "
    "many as there are cores.",
    lower_bound=1,
)
_ALPHA = flags.DEFINE_float(
    "alpha",
    None,
    "False-alarm rate that the detectors are calibrated for. Default: that of "
    "fit_detector.py.",
)
_TRAIN_FLAGS = flags.DEFINE_list(
    "train_flags", [], "Further flags of train_gan.py, such as --num_steps=300."
)


def _runner(num_threads: int):
    """Runs tools with so many threads, and shows their output if they fail."""
    folder = os.path.dirname(os.path.abspath(__file__))
    threads = {
        f"TF_NUM_{kind}_THREADS": str(num_threads)
        for kind in ("INTRAOP", "INTEROP")
    }

    def run(tool: str, *arguments: str) -> None:
        ended = subprocess.run(
            [sys.executable, os.path.join(folder, tool), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**threads, **os.environ},
            preexec_fn=child_process.end_with_parent,
        )
        if ended.returncode:
            said = ended.stderr.strip().splitlines() or ["no message"]
            raise UserError(said[-1])

    return run


def main() -> None:
    found = products.list_products(
        _PRODUCTS.value,
        model_dir=_MODEL_DIR.value,
        export_dir=_EXPORT_DIR.value,
    )
    num_cores = len(os.sched_getaffinity(0))
    num_parallel = min(
        _NUM_PARALLEL.value or max(num_cores // 2, 1), len(found)
    )
    rows = products.train_products(
        found,
        _runner(max(num_cores // num_parallel, 1)),
        num_parallel=num_parallel,
        alpha=_ALPHA.value,
        train_flags=_TRAIN_FLAGS.value,
    )
    print(products.table(rows))
    num_failed = sum("failed" in row for row in rows)
    if num_failed == len(rows):
        raise UserError("no product could be trained, see the table")
    serving_files.write_serving_files(_EXPORT_DIR.value)
    light_cli.finish(
        f"The models are in {_EXPORT_DIR.value}",
        f"docker compose -f {_EXPORT_DIR.value}/docker-compose.yml up",
        "python tools/score_images.py --server=http://localhost:8501 "
        "--by_folder --images=<folder of products> --output=scores.csv",
    )
    if num_failed:
        raise UserError(f"{num_failed} of {len(rows)} products failed")


if __name__ == "__main__":
    light_cli.run(main)
