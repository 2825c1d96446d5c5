import json

import pytest
from tool_runner import TRAIN
from tool_runner import done
from tool_runner import failed

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
    with pytest.raises(ValueError, match="Expected name=value,value"):
        sweep.parse_sweep(text)


def test_a_sweep_names_the_best_and_repeats_nothing(product, tmp_path):
    root = str(tmp_path / "sweep")
    grid = "--sweep=width=4,6;learning_rate=1e-4"
    first = done(
        "train_gan", *TRAIN, grid, data=product, model_dir=root, num_steps=6
    )
    found = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    losses = found["held_out_denoising_loss"]
    assert set(losses) == {
        f"learning_rate=1e-4,width={width}" for width in (4, 6)
    }
    assert found["best"] == min(losses, key=losses.get)
    assert f"--model_dir={root}/{found['best']}" in first.stdout
    second = done(
        "train_gan", *TRAIN, grid, data=product, model_dir=root, num_steps=6
    )
    assert second.stderr.count("The training has ended already.") == 2
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text()) == found
    assert "Received: seed" in failed(
        "train_gan", "--sweep=seed=1,2", data=product, model_dir=root
    )
