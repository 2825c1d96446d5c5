import errno
import os

import numpy as np
import pytest
from conftest import tiny_config

from ganad_tf.errors import UserError
from ganad_tf.training import building
from ganad_tf.training import callbacks


class Logs:
    """Feeds a guard one epoch after the other."""

    def __init__(self, **arguments):
        self.guard = callbacks.TrainingGuard(**arguments)
        self.epoch = 0

    def feed(self, **logs):
        self.guard.on_epoch_end(self.epoch, logs)
        self.epoch += 1


def test_nan_stops_the_training_run():
    logs = Logs()
    logs.feed(generator_loss=1.0, diversity=1.0)
    with pytest.raises(
        callbacks.UnstableTrainingError, match="`generator_loss` is nan"
    ):
        logs.feed(generator_loss=float("nan"), diversity=1.0)


def test_collapse_stops_the_training_run_after_its_patience():
    logs = Logs(min_diversity=0.1, patience=2)
    logs.feed(diversity=0.05)
    logs.feed(diversity=0.5)
    logs.feed(diversity=0.05)
    with pytest.raises(
        callbacks.UnstableTrainingError, match="collapsed.*up to epoch 4"
    ):
        logs.feed(diversity=0.05)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    gan = building.build_gan(tiny_config())
    checkpoint = callbacks.Checkpoint(str(tmp_path))
    checkpoint.set_model(gan)
    with open(checkpoint.path, "w") as file:
        file.write("older")

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(UserError, match="Cannot write .*h5: No space left"):
        checkpoint.on_epoch_end(0)
    assert os.listdir(tmp_path) == [callbacks.CHECKPOINT_NAME]
    with open(checkpoint.path) as file:
        assert file.read() == "older"


def test_a_checkpoint_restores_everything(tmp_path):
    gan = building.build_gan(tiny_config())
    gan.fit(np.zeros([8, 32, 32, 1], "float32"), verbose=0, shuffle=False)
    checkpoint = callbacks.Checkpoint(str(tmp_path))
    checkpoint.set_model(gan)
    checkpoint.on_epoch_end(0)
    assert os.listdir(tmp_path) == [callbacks.CHECKPOINT_NAME]
    size = os.path.getsize(checkpoint.path)
    assert size < checkpoint._most_bytes() < 5 * size
    other = building.build_gan(tiny_config(seed=5))
    assert checkpoint.restore(other) == int(gan.step) == 1
    for one, two in (
        (gan.get_weights(), other.get_weights()),
        (
            [v.numpy() for v in gan.generator_optimizer.variables],
            [v.numpy() for v in other.generator_optimizer.variables],
        ),
        (
            [v.numpy() for v in gan.discriminator_optimizer.variables],
            [v.numpy() for v in other.discriminator_optimizer.variables],
        ),
    ):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)


def test_without_a_checkpoint_the_model_is_untrained(tmp_path):
    gan = building.build_gan(tiny_config())
    assert callbacks.Checkpoint(str(tmp_path)).restore(gan) == 0


def test_a_damaged_checkpoint_is_the_users_error(tmp_path):
    checkpoint = callbacks.Checkpoint(str(tmp_path))
    (tmp_path / callbacks.CHECKPOINT_NAME).write_bytes(b"nothing")
    with pytest.raises(UserError, match="is damaged or of another model"):
        checkpoint.restore(building.build_gan(tiny_config()))


def test_progress_passes_the_speed_on(monkeypatch):
    lines = []
    monkeypatch.setattr(
        callbacks.logging, "info", lambda text, *rest: lines.append(text % rest)
    )
    gan = building.build_gan(tiny_config())
    speed = callbacks.Progress(batch_size=4)
    logs = {}

    class Keep(callbacks.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, given=None):
            logs.update(given)

    gan.fit(
        np.zeros([8, 32, 32, 1], "float32"),
        batch_size=4,
        verbose=0,
        shuffle=False,
        callbacks=[speed, Keep()],
    )
    assert logs["images_per_second"] > 0
    assert lines[-1].startswith("Step 2 of 4: ")
    assert lines[-1].endswith(" left.")
