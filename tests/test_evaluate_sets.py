import json
import os

from tool_runner import TRAIN
from tool_runner import done


def test_sets_and_seeds_are_evaluated_by_one_command(product, tmp_path):
    output = str(tmp_path / "sets")
    flags = {
        "sets": product,
        "seeds": "0",
        "alpha": 0.1,
        "output_dir": output,
        "train_flags": ",".join([*TRAIN, "--num_steps=2"]),
    }
    first = done("evaluate_sets", **flags)
    assert f"| {product} | AUROC anomaly_score |" in first.stdout
    with open(os.path.join(output, "sets.json")) as file:
        figures = json.load(file)[product]
    found = figures["AUROC frechet_score"]
    assert found["least"] == found["mean"] == found["largest"]
    again = done("evaluate_sets", **flags)
    # The table alone: nothing is repeated.
    assert first.stdout.endswith(again.stdout)
    assert again.stdout.startswith("| data |")


def test_results_are_printed_as_a_table(chain):
    path = f"{chain[1]}/results.json"
    lines = done("print_results", results=path).stdout.splitlines()
    assert lines[0].startswith("| data | method | AUROC")
    assert len(lines) == 2 + 11
