import keras
import numpy as np
import pytest
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images

from ganad_tf.recipes import JOINT
from ganad_tf.recipes import METHODS
from ganad_tf.training import building
from ganad_tf.training import loop
from ganad_tf.training import monitoring
from ganad_tf.training.sample_images import SampleImages


@pytest.fixture
def sample(tmp_path):
    write_images(tmp_path / "images", make_parts(20, seed=0))
    paths = sorted(map(str, (tmp_path / "images").iterdir()))
    return SampleImages(paths)


def train(config, sample, folder, **arguments):
    nothing = SampleImages([])
    return loop.train(
        config, sample, str(folder), held_out_images=nothing, **arguments
    )


class Killed(Exception):
    pass


class KilledAtStep5(keras.callbacks.Callback):
    """Stands in for the monitor, which is the last of the callbacks."""

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step) == 5:  # one step after a checkpoint
            raise Killed


@pytest.mark.parametrize("method", METHODS)
def test_a_resumed_training_run_equals_an_uninterrupted_one(
    sample, tmp_path, method, monkeypatch
):
    config = tiny_config(method=method, num_steps=5, max_shift=2)
    uninterrupted = train(config, sample, tmp_path / "whole", steps_per_epoch=5)
    # The last epoch has one step: all are kept exactly.
    steps = {"steps_per_epoch": 2}
    with monkeypatch.context() as patch:
        patch.setattr(
            monitoring, "TrainingMonitor", lambda *_, **__: KilledAtStep5()
        )
        with pytest.raises(Killed):
            train(config, sample, tmp_path / "cut", **steps)
    resumed = train(config, sample, tmp_path / "cut", **steps)
    assert int(resumed.step) == 5
    for one, other in zip(
        uninterrupted.get_weights(), resumed.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_trained_gan_is_loaded_and_not_trained_again(sample, tmp_path):
    config = tiny_config()
    config.save(str(tmp_path))
    weights = train(config, sample, tmp_path).get_weights()
    for gan in (
        building.load_gan(str(tmp_path)),
        train(config, SampleImages([]), tmp_path),
    ):
        for one, other in zip(weights, gan.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_method_without_linear_head_does_not_fit_it(sample, tmp_path):
    config = tiny_config(num_steps=1, without=("linear_head",))
    gan = train(config, sample, tmp_path)
    assert not np.any(np.asarray(gan.linear_head.components))
    assert not JOINT.without(config.without).fits_linear_head


def test_the_linear_head_learns_the_mirror_images_that_are_shown():
    parts = make_parts(12, seed=0)
    means = {}
    for flip in (True, False):
        config = tiny_config(horizontal_flip=flip, vertical_flip=False)
        gan = building.build_gan(config)
        loop.fit_linear_head(gan, parts, config)
        mean = np.asarray(gan.linear_head.mean).reshape(32, 32)
        means[flip] = np.abs(mean - mean[:, ::-1]).max()
    assert means[True] < 1e-5 < 0.1 < means[False]
