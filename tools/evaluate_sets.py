"""Trains, fits and evaluates on several data sets with several seeds.

    python tools/evaluate_sets.py --output_dir=/tmp/sets --seeds=0,1,2 \
        --sets=elpv:mono,elpv:poly,/data/wood,/data/dagm_class1

runs `train_gan.py`, `fit_detector.py` and `evaluate_detector.py` with their
defaults for each set and seed, and prints mean and range over the seeds as a
Markdown table. A second run repeats nothing that is finished; another folder,
alpha or flag is another run. Extra flags for the training go into
--train_flags.
"""

import hashlib
import json
import os
import subprocess
import sys

from absl import flags
from absl import logging

import light_cli
from ganad_tf import artifacts
from ganad_tf import child_process
from ganad_tf.errors import UserError
from ganad_tf.evaluation import result_tables

_SETS = flags.DEFINE_list(
    "sets", None, "Values of --data, separated by commas.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    "Folder of models, reports and sets.json.",
    required=True,
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of the runs.")
_TRAIN_FLAGS = flags.DEFINE_list(
    "train_flags", [], "Further flags of train_gan.py, such as --num_steps=300."
)
_ALPHA = flags.DEFINE_float(
    "alpha",
    None,
    "False-alarm rate that the detectors are calibrated for; by default 0.05, "
    "or the least that few images can promise.",
)


def _run(tool: str, *arguments: str) -> None:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), tool)
    ended = subprocess.run(
        [sys.executable, path, *arguments],
        check=False,
        preexec_fn=child_process.end_with_parent,
    )
    if ended.returncode:
        raise UserError(f"{tool} {' '.join(arguments)} failed, see above")


def _folder_name(data: str, seed: str) -> str:
    """Of a run: readable, and another one for whatever changes its results."""
    path = data if data.startswith("elpv:") else os.path.realpath(data)
    decisive = [path, seed, _ALPHA.value, *_TRAIN_FLAGS.value]
    digest = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:8]
    name = os.path.basename(path).replace(":", "_")
    alpha = "" if _ALPHA.value is None else f"_alpha{_ALPHA.value:g}"
    return f"{name}_seed{seed}{alpha}_{digest}"


def _results(data: str, seed: str) -> dict:
    """The content of results.json of one run, run first where it is missing."""
    folder = os.path.join(_OUTPUT_DIR.value, _folder_name(data, seed))
    report = os.path.join(folder, "report")
    path = os.path.join(report, "results.json")
    if not os.path.exists(path):
        logging.info("%s, seed %s: in %s.", data, seed, folder)
        common = (f"--data={data}", f"--model_dir={folder}")
        _run("train_gan.py", *common, f"--seed={seed}", *_TRAIN_FLAGS.value)
        alpha = [] if _ALPHA.value is None else [f"--alpha={_ALPHA.value}"]
        _run("fit_detector.py", *common, *alpha)
        _run("evaluate_detector.py", *common, f"--report_dir={report}")
    return artifacts.read_json(path, made_by="evaluate_detector.py")


def main() -> None:
    summaries = {}
    for data in _SETS.value:
        runs = [_results(data, seed) for seed in _SEEDS.value]
        summaries[data] = result_tables.summarise(runs)
    path = os.path.join(_OUTPUT_DIR.value, "sets.json")
    artifacts.write_json(path, summaries)
    print(result_tables.summary_table(summaries))
    logging.info("The figures are in %s.", path)


if __name__ == "__main__":
    light_cli.run(main)
