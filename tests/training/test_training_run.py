import json
import os

import numpy as np
import pytest

import ganad_tf
from ganad_tf.errors import UserError
from ganad_tf.training import choices
from ganad_tf.training import training_run

TINY = {
    "image_size": 32,
    "latent_dim": 6,
    "width": 4,
    "batch_size": 8,
    "num_steps": 2,
}


def test_a_folder_of_images_becomes_a_model(parts_folder, tmp_path):
    folder = str(tmp_path / "model")
    gan = ganad_tf.train_gan(parts_folder, folder, seed=1, **TINY)
    assert int(gan.step) == 2
    assert {
        "config.json",
        "split.json",
        "checkpoint.weights.h5",
        "training.json",
        "logs",
    } == set(os.listdir(folder))
    assert set(os.listdir(f"{folder}/logs")) == {"hparams", "training"}
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (config["data"], config["seed"]) == (parts_folder, 1)
    result = json.loads((tmp_path / "model" / "training.json").read_text())
    assert set(result) == {
        "held_out_reconstruction_loss",
        "held_out_denoising_loss",
        "training_images_per_second",
    }
    again = training_run.train_gan(parts_folder, folder, seed=1, **TINY)
    for one, other in zip(gan.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert result == json.loads(
        (tmp_path / "model" / "training.json").read_text()
    )


def test_other_settings_for_the_same_folder_are_the_users_error(
    parts_folder, tmp_path
):
    folder = str(tmp_path / "model")
    training_run.train_gan(parts_folder, folder, **TINY)
    with pytest.raises(UserError, match="num_steps=2 not 3"):
        training_run.train_gan(parts_folder, folder, **{**TINY, "num_steps": 3})


def test_the_split_of_an_earlier_run_is_kept(parts_folder, tmp_path):
    arguments = (parts_folder, str(tmp_path / "model"))
    first = training_run.open_split(*arguments, seed=0, max_images=24)
    assert len(first.train) + len(first.calibration) == 24
    assert first == training_run.open_split(*arguments, seed=5, max_images=None)


def test_each_image_is_loaded_once_for_choices_head_and_losses(
    parts_folder, tmp_path, monkeypatch
):
    counts = []
    load = choices.images.load_images

    def counted(paths, **arguments):
        counts.append(len(paths))
        return load(paths, **arguments)

    monkeypatch.setattr(choices.images, "load_images", counted)
    settings = {**TINY, "latent_dim": None}
    training_run.train_gan(parts_folder, str(tmp_path / "model"), **settings)
    assert sorted(counts) == [8, 24]  # calibration and training images


@pytest.mark.parametrize(
    ("count", "expected"), [(10, "default of 0.05"), (50, "0.0196"), (99, None)]
)
def test_few_calibration_images_are_a_warning(monkeypatch, count, expected):
    lines = []
    monkeypatch.setattr(
        training_run.logging, "warning", lambda text, *a: lines.append(text % a)
    )
    training_run._warn_of_few(count)
    assert [expected in line for line in lines] == ([True] if expected else [])
