import json
import os
import subprocess

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
    folders = os.listdir(output)
    assert any(name.startswith("product_seed0_alpha0.1_") for name in folders)


def _record():
    """Tools print their names and folders; results are there at once."""
    from ganad_tf import artifacts
    from ganad_tf.evaluation import result_tables

    def run(command, **_):
        print(next(a for a in command if a.startswith("--model_dir")))
        return subprocess.CompletedProcess(command, 0)

    subprocess.run = run
    artifacts.read_json = lambda *_, **__: {}
    result_tables.summarise = lambda runs: {}
    result_tables.summary_table = lambda summaries: ""


def test_what_changes_the_results_is_another_run(tmp_path):
    folders = []
    for name, alpha, steps in (
        ("a/bottle", 0.05, 2),
        ("b/bottle", 0.05, 2),
        ("a/bottle", 0.1, 2),
        ("a/bottle", 0.05, 3),
    ):
        answer = done(
            "evaluate_sets",
            sets=tmp_path / name,
            seeds="0,1",
            alpha=alpha,
            train_flags=f"--num_steps={steps}",
            output_dir=tmp_path,
            prepare=_record,
        )
        lines = answer.stdout.split()
        folders += sorted({x for x in lines if x.startswith("--model_dir")})
    assert len(folders) == len(set(folders)) == 8
    assert all("/bottle_seed" in folder for folder in folders)


def test_results_are_printed_as_a_table(chain):
    path = f"{chain[1]}/results.json"
    lines = done("print_results", results=path).stdout.splitlines()
    assert lines[0].startswith("| data | method | AUROC")
    assert len(lines) == 2 + 11
