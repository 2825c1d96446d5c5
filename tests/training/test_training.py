import json

import keras
import numpy as np
import pytest
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images

from ganad_tf.training import monitoring
from ganad_tf.training import training


@pytest.fixture
def paths(tmp_path):
    write_images(tmp_path / "images", make_parts(20, seed=0))
    return sorted(str(path) for path in (tmp_path / "images").iterdir())


class Killed(Exception):
    pass


@pytest.mark.parametrize("method", training.METHODS)
def test_a_killed_training_ends_like_an_uninterrupted_one(
    paths, tmp_path, method, monkeypatch
):
    config = tiny_config(method=method, num_steps=6, max_shift=2)
    whole = training.train(
        config, paths, str(tmp_path / "whole"), steps_per_epoch=2
    )

    class Kill(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.step) == 5:  # one step after a checkpoint
                raise Killed

    with monkeypatch.context() as patch:
        # Stands in for the monitor, which is the last of the callbacks.
        patch.setattr(monitoring, "TrainingMonitor", lambda *_, **__: Kill())
        with pytest.raises(Killed):
            training.train(
                config, paths, str(tmp_path / "cut"), steps_per_epoch=2
            )
    resumed = training.train(
        config, paths, str(tmp_path / "cut"), steps_per_epoch=2
    )
    assert int(resumed.step) == 6
    for one, other in zip(
        whole.get_weights(), resumed.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_trained_model_is_loaded(paths, tmp_path):
    config, folder = tiny_config(), str(tmp_path / "model")
    training.start_or_resume(config, folder)
    gan = training.train(config, paths, folder)
    loaded = training.load_gan(folder)
    for one, other in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_in_training_is_not_loaded(tmp_path):
    training.start_or_resume(tiny_config(), str(tmp_path))
    with pytest.raises(ValueError, match="has not ended: step 0 of 4"):
        training.load_gan(str(tmp_path))


def test_no_model_is_an_error_that_says_what_makes_one(tmp_path):
    with pytest.raises(ValueError, match="Run train_gan.py first"):
        training.load_gan(str(tmp_path))


def test_other_flags_for_the_same_folder_are_an_error(tmp_path):
    training.start_or_resume(tiny_config(), str(tmp_path), data="a")
    training.start_or_resume(tiny_config(), str(tmp_path))
    assert json.loads((tmp_path / "config.json").read_text())["data"] == "a"
    with pytest.raises(ValueError, match="width=4 not 8"):
        training.start_or_resume(tiny_config(width=8), str(tmp_path))


def test_an_unknown_method_is_an_error():
    with pytest.raises(ValueError, match="method='other'"):
        training.build_gan(tiny_config(method="other"))


@pytest.mark.parametrize("left_out", training.ABLATIONS)
def test_a_part_of_the_method_can_be_left_out(left_out, paths, tmp_path):
    config = tiny_config(without=(left_out,), num_steps=2)
    training.start_or_resume(config, str(tmp_path))
    gan = training.train(config, paths, str(tmp_path))
    assert training.TrainingConfig.load(str(tmp_path)) == config
    assert gan.denoising == (left_out != "corruptions")
    assert (gan.adversarial_weight == 0) == (left_out == "adversarial")
    components = np.asarray(gan.linear_head.components)
    assert np.any(components) == (left_out != "linear_head")


def test_latents_are_as_many_as_held_out_images_need():
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(300, 32 * 32))

    def made(count, rank):
        images = generator.normal(size=(count, rank)) @ basis[:rank]
        return images.reshape(count, 32, 32, 1)

    few, many = training.LATENT_DIMS
    assert training.choose_latent_dim(made(300, 40), made(50, 40)) == few
    assert training.choose_latent_dim(made(100, 300), made(50, 300)) == many


def test_parts_are_aligned_and_textures_are_not():
    noise = np.random.default_rng(0).normal(0, 0.3, size=(40, 32, 32, 1))
    assert training.is_aligned(make_parts(40, seed=0))
    assert not training.is_aligned(noise)
