import json

import pytest
from conftest import tiny_config

from ganad_tf.errors import UserError
from ganad_tf.training.configuration import TrainingConfig


@pytest.mark.parametrize("changes", [{}, {"without": ("adversarial",)}])
def test_a_configuration_is_read_as_it_was_written(tmp_path, changes):
    config = tiny_config(**changes)
    config.save(str(tmp_path), data="parts")
    assert TrainingConfig.load(str(tmp_path)) == config
    assert json.loads((tmp_path / "config.json").read_text())["data"] == "parts"


def test_a_configuration_of_an_older_version_gets_defaults(tmp_path):
    tiny_config().save(str(tmp_path))
    path = tmp_path / "config.json"
    values = json.loads(path.read_text())
    del values["without"]
    earlier = {"aligned": True, "field_size": None, "tile_stride": 8}
    path.write_text(json.dumps({**values, **earlier}))
    assert TrainingConfig.load(str(tmp_path)) == tiny_config()


def test_a_model_of_parts_of_images_is_the_users_error(tmp_path):
    earlier = {"field_size": [512, 512], "tile_stride": 8}
    tiny_config().save(str(tmp_path), **earlier)
    with pytest.raises(UserError, match=r"Run train_gan\.py again"):
        TrainingConfig.load(str(tmp_path))


def test_no_model_is_an_error_that_says_what_makes_one(tmp_path):
    with pytest.raises(UserError, match="Run train_gan.py first"):
        TrainingConfig.load(str(tmp_path))


def test_other_settings_for_the_same_folder_are_the_users_error(tmp_path):
    tiny_config().save_or_match(str(tmp_path), data="a")
    tiny_config().save_or_match(str(tmp_path))
    assert json.loads((tmp_path / "config.json").read_text())["data"] == "a"
    with pytest.raises(UserError, match="width=4 not 8"):
        tiny_config(width=8).save_or_match(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_dim", 1),
        ("batch_size", 1),
        ("learning_rate", -1e-3),
        ("max_shift", 32),
    ],
)
def test_a_value_out_of_range_is_the_users_error(name, value):
    with pytest.raises(UserError, match=f"{name}={value}"):
        tiny_config(**{name: value})
