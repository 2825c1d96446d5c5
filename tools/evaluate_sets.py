"""Trains, fits and evaluates on several data sets with several seeds.

    python tools/evaluate_sets.py --output_dir=/tmp/sets --seeds=0,1,2 \
        --sets=elpv:mono,elpv:poly,/data/wood,/data/dagm_class1

runs `train_gan.py`, `fit_detector.py` and `evaluate_detector.py` by their
defaults for each set and seed, and prints mean and spread over the seeds as a
Markdown table. Run again, what is finished is not repeated. Extra flags for
the training go into --train_flags.
"""

import os
import statistics
import subprocess
import sys

from absl import flags
from absl import logging

import light_cli
from ganad_tf import artifacts

_SETS = flags.DEFINE_list(
    "sets", None, "What --data takes, separated by commas.", required=True
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
    "alpha", 0.05, "False-alarm rate that the detectors are calibrated for."
)
HEADER = ("data", "figure", "mean", "least", "largest", "seeds")


def _run(tool: str, *arguments: str) -> None:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), tool)
    done = subprocess.run([sys.executable, path, *arguments], check=False)
    if done.returncode:
        raise ValueError(f"{tool} {' '.join(arguments)} failed, see above")


def _results(data: str, seed: str) -> dict:
    """What one run found; the run is made where it is missing."""
    name = os.path.basename(data.rstrip("/")).replace(":", "_")
    folder = os.path.join(_OUTPUT_DIR.value, f"{name}_{seed}")
    report = os.path.join(folder, "report")
    path = os.path.join(report, "results.json")
    if not os.path.exists(path):
        logging.info("%s, seed %s: in %s.", data, seed, folder)
        common = (f"--data={data}", f"--model_dir={folder}")
        _run("train_gan.py", *common, f"--seed={seed}", *_TRAIN_FLAGS.value)
        _run("fit_detector.py", *common, f"--alpha={_ALPHA.value}")
        _run("evaluate_detector.py", *common, f"--report_dir={report}")
    return artifacts.read_json(path, made_by="evaluate_detector.py")


def _figures(results: dict) -> dict[str, float | None]:
    """The figures of one run, by what they are called in the table."""
    found = {f"AUROC {name}": v for name, v in results["auroc"].items()}
    for name in ("balanced_accuracy", "overkill_rate", "escape_rate"):
        found[name] = results[name]
    for alpha, rate in results["overkill_by_alpha"].items():
        found[f"overkill_rate at alpha {alpha}"] = rate["overkill_rate"]
    for name, value in results.get("pixel", {}).items():
        found[f"pixel {name}"] = value
    if "control" in results:
        found["control overkill_rate"] = results["control"]["overkill_rate"]
    return found


def summarise(runs: list[dict]) -> dict[str, dict[str, float]]:
    """Mean, least and largest over runs of each figure that all have."""
    figures = [_figures(results) for results in runs]
    columns = {name: [run.get(name) for run in figures] for name in figures[0]}
    return {
        name: {
            "mean": statistics.mean(values),
            "least": min(values),
            "largest": max(values),
            "num_seeds": len(values),
        }
        for name, values in columns.items()
        if None not in values
    }


def main() -> None:
    summary = {
        data: summarise([_results(data, seed) for seed in _SEEDS.value])
        for data in _SETS.value
    }
    path = os.path.join(_OUTPUT_DIR.value, "sets.json")
    artifacts.write_json(path, summary)
    print("| " + " | ".join(HEADER) + " |")
    print("|" + "---|" * len(HEADER))
    for data, figures in summary.items():
        for name, found in figures.items():
            *numbers, count = found.values()
            cells = [f"{number:.3f}" for number in numbers]
            print(f"| {data} | {name} | {' | '.join(cells)} | {count} |")
    logging.info("The figures are in %s.", path)


if __name__ == "__main__":
    light_cli.run(main)
