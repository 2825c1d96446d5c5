import json
import os
import pathlib
import shutil
from typing import NamedTuple

import numpy as np
import pytest
from conftest import make_parts
from conftest import write_images

import ganad_tf
from ganad_tf.data import image_tensors
from ganad_tf.errors import UserError
from ganad_tf.gan.gan import DCGAN
from ganad_tf.training import training_run

TINY = {
    "image_size": 32,
    "width": 4,
    "batch_size": 8,
    "num_steps": 2,
    "field_steps": 1,
}


class Trained(NamedTuple):
    """A training run, once for all tests."""

    gan: DCGAN
    data: str
    model_dir: str
    num_loaded: list[int]  # images, by call of `load_images`


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data, model_dir = (str(tmp_path_factory.mktemp(n)) for n in ("data", "m"))
    write_images(data, make_parts(40, seed=0))
    load, counts = image_tensors.load_images, []

    def counted(paths, **arguments):
        counts.append(len(paths))
        return load(paths, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_tensors, "load_images", counted)
        gan = ganad_tf.train_gan(data, model_dir, seed=1, **TINY)
    return Trained(gan, data, model_dir, counts)


def test_another_group_by_is_another_model(trained):
    with pytest.raises(UserError, match="another --group_by. Expected None"):
        ganad_tf.train_gan(
            trained.data, trained.model_dir, seed=1, group_by="folder", **TINY
        )


def test_a_split_by_groups_is_recorded_and_said(tmp_path, caplog):
    data, model_dir = str(tmp_path / "data"), str(tmp_path / "model")
    for board in range(10):
        parts = make_parts(3, seed=board)
        write_images(f"{data}/board{board}", np.concatenate([parts, parts[:1]]))
    with caplog.at_level("INFO", logger="absl"):
        split = training_run.open_split(
            data, model_dir, seed=0, group_by="folder"
        )
        training_run._log_groups(split)
    assert [len(part) for part in split[:3]] == [18, 3, 3]
    assert "Groups, each in one role: 6 train, 3 calibration" in caplog.text
    assert "10 images are copies" in caplog.text
    assert read(model_dir, "split.json")["group_by"] == "folder"
    assert read(model_dir, "split.json")["near_copies"] == []
    again = training_run.open_split(data, model_dir, seed=0, group_by="folder")
    assert again[:3] == split[:3]


def test_what_training_could_not_decode_is_in_no_role(parts_folder, tmp_path):
    """Pillow does not check the sum of the pixels, TensorFlow does."""
    path = pathlib.Path(parts_folder, "part007.png")
    good = path.read_bytes()
    path.write_bytes(good[:-16] + b"sums" + good[-12:])
    split = training_run.open_split(
        parts_folder, str(tmp_path / "m"), seed=0, max_images=None
    )
    (bad,) = split.unreadable
    assert bad.name == "part007.png" and "Invalid PNG" in bad.status


def read(folder, name):
    return json.loads(pathlib.Path(folder, name).read_text())


def test_a_folder_of_images_becomes_a_model(trained):
    folder = trained.model_dir
    assert int(trained.gan.step) == 2
    assert {
        "config.json",
        "split.json",
        "checkpoint.weights.h5",
        "field.weights.h5",
        "training.json",
        "logs",
    } == set(os.listdir(folder))
    runs = {"field", "hparams", "training"}
    assert set(os.listdir(f"{folder}/logs")) == runs
    config = read(folder, "config.json")
    assert (config["data"], config["seed"]) == (trained.data, 1)
    assert set(read(folder, "training.json")) == {
        "held_out_reconstruction_loss",
        "held_out_denoising_loss",
        "training_images_per_second",
    }


def test_each_image_is_loaded_once_for_choices_head_and_losses(trained):
    assert sorted(trained.num_loaded) == [8, 24]  # calibration, training


def test_a_complete_run_is_not_repeated(trained):
    before = read(trained.model_dir, "training.json")
    again = training_run.train_gan(
        trained.data, trained.model_dir, seed=1, **TINY
    )
    for one, other in zip(
        trained.gan.get_weights(), again.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert read(trained.model_dir, "training.json") == before


def test_other_settings_for_the_same_folder_are_the_users_error(trained):
    changed = {**TINY, "num_steps": 3}
    with pytest.raises(UserError, match="num_steps=2 not 3"):
        training_run.train_gan(
            trained.data, trained.model_dir, seed=1, **changed
        )


def test_the_split_of_an_earlier_run_is_kept(parts_folder, tmp_path):
    arguments = (parts_folder, str(tmp_path / "model"))
    first = training_run.open_split(*arguments, seed=0, max_images=24)
    assert len(first.train) + len(first.calibration) == 24
    assert first == training_run.open_split(*arguments, seed=5, max_images=None)


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


def test_a_model_anywhere_is_resumed_as_one_here(trained, tmp_path):
    # What a run that is complete repeats: all but the steps.
    address = f"file://{tmp_path}/model"
    shutil.copytree(trained.model_dir, tmp_path / "model")
    (tmp_path / "model" / "training.json").unlink()
    gan = ganad_tf.train_gan(f"file://{trained.data}", address, seed=1, **TINY)
    for one, other in zip(
        gan.get_weights(), trained.gan.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    ours, theirs = (
        read(folder, "training.json")
        for folder in (str(tmp_path / "model"), trained.model_dir)
    )
    assert ours.items() <= theirs.items()
    assert len(ours) == 2  # the speed is that of the process that trained
