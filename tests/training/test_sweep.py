import json

import pytest
from tool_runner import TRAIN
from tool_runner import done
from tool_runner import failed

from ganad_tf.errors import UserError
from ganad_tf.training import sweep

GRID = {"width": ["4", "8"], "learning_rate": ["1e-4", "3e-4", "1e-3"]}


def test_every_combination_is_there_once_in_an_order_that_stays():
    found = sweep.combinations(GRID, num_samples=None, seed=0)
    assert len({sweep.folder_name(c) for c in found}) == len(found) == 6
    assert found == sweep.combinations(GRID, num_samples=None, seed=5)


def test_samples_are_some_of_the_grid_without_repetition():
    grid = sweep.combinations(GRID, num_samples=None, seed=0)
    drawn = sweep.combinations(GRID, num_samples=4, seed=1)
    assert all(combination in grid for combination in drawn)
    assert len({sweep.folder_name(c) for c in drawn}) == 4
    assert drawn == sweep.combinations(GRID, num_samples=4, seed=1)
    assert len(sweep.combinations(GRID, num_samples=99, seed=0)) == 6


@pytest.mark.parametrize("text", ["", "width", "width=", "=4", "width=4;;"])
def test_another_form_is_an_error_that_shows_the_right_one(text):
    with pytest.raises(UserError, match="Expected name=value,value"):
        sweep.parse_sweep(text, names=["width"])


def test_a_setting_that_cannot_be_swept_is_the_users_error():
    with pytest.raises(UserError, match="Expected width. Received: seed"):
        sweep.parse_sweep("seed=1,2", names=["width"])


def test_the_best_is_written_after_every_combination(tmp_path):
    losses = {"width=4": 0.3, "width=8": 0.1, "width=16": 0.2}
    written = []

    def train_one(combination, model_dir):
        path = tmp_path / sweep.SWEEP_NAME
        if path.exists():
            written.append(json.loads(path.read_text())["best"])
        name = sweep.folder_name(combination)
        assert model_dir == str(tmp_path / name)
        return losses[name]

    chosen = [{"width": width} for width in ("4", "8", "16")]
    best = sweep.run_sweep(train_one, chosen, str(tmp_path))
    assert best == str(tmp_path / "width=8")
    assert written == ["width=4", "width=8"]
    content = json.loads((tmp_path / sweep.SWEEP_NAME).read_text())
    assert list(content["held_out_denoising_loss"]) == [
        "width=8",
        "width=16",
        "width=4",
    ]
    assert content["num_combinations"] == 3


def test_a_sweep_trains_what_it_says_and_repeats_nothing(product, tmp_path):
    root = tmp_path / "sweep"

    def run():
        return done(
            "train_gan",
            *TRAIN,
            "--without=adversarial",  # the sweep takes its place
            "--sweep=without=corruptions,linear_head;learning_rate=1e-4",
            data=product,
            model_dir=str(root),
            num_steps=4,
        )

    first = run()
    content = json.loads((root / "sweep.json").read_text())
    losses = content["held_out_denoising_loss"]
    names = {
        part: f"learning_rate=1e-4,without={part}"
        for part in ("corruptions", "linear_head")
    }
    assert set(losses) == set(names.values())
    assert content["best"] == min(losses, key=losses.get)
    assert f"--model_dir={root}/{content['best']}" in first.stdout
    for part, name in names.items():
        config = json.loads((root / name / "config.json").read_text())
        assert config["without"] == [part]
        assert config["learning_rate"] == 1e-4
    assert run().stderr.count("The training run is complete") == 2
    assert json.loads((root / "sweep.json").read_text()) == content


def test_a_flag_that_cannot_be_swept_is_one_line(product, tmp_path):
    line = failed(
        "train_gan",
        "--sweep=seed=1,2",
        data=product,
        model_dir=str(tmp_path),
    )
    assert "Received: seed" in line


def test_an_invalid_value_ends_a_sweep_before_it_trains(product, tmp_path):
    folder = tmp_path / "sweep"
    line = failed(
        "train_gan",
        "--sweep=width=4,many",
        data=product,
        model_dir=str(folder),
    )
    assert "--width=many" in line
    assert not folder.exists()
