import numpy as np
import pytest
from conftest import tiny_config

from ganad_tf.errors import UserError
from ganad_tf.training import building
from ganad_tf.training import warm_start


def test_all_weights_are_those_of_the_earlier_model(tiny_gan):
    model = building.build_gan(tiny_config(seed=5))
    warm_start.copy_weights(tiny_gan, model)
    images = np.zeros([2, 32, 32, 1], "float32")
    np.testing.assert_array_equal(
        model.generate(model.encode(images)),
        tiny_gan.generate(tiny_gan.encode(images)),
    )
    assert int(model.step) == 0


def test_other_shapes_are_an_error(tiny_gan):
    with pytest.raises(UserError, match="other shapes"):
        warm_start.copy_weights(
            tiny_gan, building.build_gan(tiny_config(width=5))
        )


def test_settings_are_those_of_the_earlier_model(tmp_path):
    tiny_config().save(str(tmp_path))

    def settings(**overrides):
        return warm_start.with_shapes(overrides, "joint", str(tmp_path))

    assert settings(num_steps=3, width=None) == {
        "num_steps": 3,
        "image_size": 32,
        "channels": 1,
        "latent_dim": 6,
        "width": 4,
    }
    with pytest.raises(UserError, match="Expected width=4. Received: width=8"):
        settings(width=8)
    with pytest.raises(UserError, match="Expected method=joint"):
        warm_start.with_shapes({}, "paper", str(tmp_path))
