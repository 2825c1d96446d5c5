import numpy as np
import pytest
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images

from ganad_tf.errors import UserError
from ganad_tf.training import callbacks
from ganad_tf.training import field_run

FIELD = {"field_size": (32, 32), "field_width": 8}


@pytest.fixture
def paths(tmp_path):
    write_images(tmp_path / "parts", make_parts(12, seed=0))
    return sorted(str(p) for p in (tmp_path / "parts").iterdir())


def run(config, paths, folder, steps_per_epoch):
    return field_run.train_field(
        config, paths, str(folder), steps_per_epoch=steps_per_epoch
    )


def test_a_resumed_run_equals_an_uninterrupted_one(
    tmp_path, paths, monkeypatch
):
    config = tiny_config(**FIELD, field_steps=3)
    whole = run(config, paths, tmp_path / "whole", 3)

    fit = field_run.FieldDiscriminator.fit

    def fit_one_epoch(self, *args, **kwargs):
        return fit(self, *args, **{**kwargs, "epochs": 1})

    monkeypatch.setattr(field_run.FieldDiscriminator, "fit", fit_one_epoch)
    run(config, paths, tmp_path / "resumed", 2)
    monkeypatch.undo()
    config.save(str(tmp_path / "resumed"))
    with pytest.raises(UserError, match="step 2 of 3.*it resumes"):
        field_run.load_unet(str(tmp_path / "resumed"))
    # The last epoch has one step: all are kept exactly.
    resumed = run(config, paths, tmp_path / "resumed", 2)
    model = field_run.build_field_discriminator(config)
    checkpoint = callbacks.Checkpoint(
        str(tmp_path / "resumed"), field_run.CHECKPOINT_NAME
    )
    assert checkpoint.restore(model) == 3
    for ours, theirs in zip(
        resumed.get_weights(), whole.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_method_without_field_has_no_unet(tmp_path):
    tiny_config().save(str(tmp_path))
    assert field_run.load_unet(str(tmp_path)) is None
