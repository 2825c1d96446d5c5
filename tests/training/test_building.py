import numpy as np
import pytest
from conftest import tiny_config

from ganad_tf.errors import UserError
from ganad_tf.recipes import JOINT
from ganad_tf.recipes import METHODS
from ganad_tf.recipes import recipe_of
from ganad_tf.training import building


@pytest.mark.parametrize("method", METHODS)
def test_a_gan_is_built_by_its_recipe(method):
    recipe = recipe_of(method)
    gan = building.build_gan(tiny_config(method=method))
    assert (gan.encoder is not None) == recipe.has_encoder
    assert (gan.linear_head is not None) == recipe.has_encoder
    assert gan.generator.layers[-1].activation.__name__ == recipe.activation
    for name, value in recipe.gan_arguments.items():
        assert getattr(gan, name) == value


@pytest.mark.parametrize("part", JOINT.ablations)
def test_a_part_of_the_method_can_be_switched_off(part):
    gan = building.build_gan(tiny_config(without=(part,)))
    assert gan.denoising == (part != "corruptions")
    assert (gan.adversarial_weight == 0) == (part == "adversarial")
    without_denoising = ("corruptions", "linear_head")
    assert (gan.denoising_weight == 0) == (part in without_denoising)


def test_equal_seeds_give_equal_weights_and_others_do_not():
    first, same, other = (
        building.build_gan(tiny_config(seed=seed)).get_weights()
        for seed in (0, 0, 1)
    )
    assert all(map(np.array_equal, first, same))
    assert not all(map(np.array_equal, first, other))


def test_an_unknown_method_is_the_users_error():
    with pytest.raises(UserError, match="method='other'"):
        building.build_gan(tiny_config(method="other"))


def test_a_model_whose_training_run_is_not_complete_is_not_loaded(tmp_path):
    tiny_config().save(str(tmp_path))
    with pytest.raises(UserError, match="is not complete: step 0 of 4"):
        building.load_gan(str(tmp_path))


def test_no_model_is_an_error_that_says_what_makes_one(tmp_path):
    with pytest.raises((OSError, UserError), match="Run train_gan.py first"):
        building.load_gan(str(tmp_path))
