import dataclasses

import pytest

from ganad_tf import recipes
from ganad_tf.errors import UserError
from ganad_tf.recipes import JOINT
from ganad_tf.recipes import PAPER


def test_an_unknown_method_is_the_users_error():
    assert recipes.recipe_of("joint") is JOINT
    with pytest.raises(UserError, match="method='other'"):
        recipes.recipe_of("other")


@pytest.mark.parametrize("part", JOINT.ablations)
def test_an_ablation_changes_the_fields_that_it_names(part):
    before = dataclasses.asdict(JOINT)
    after = dataclasses.asdict(JOINT.without([part]))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == set(JOINT.ablations[part])


def test_ablations_add_up():
    recipe = JOINT.without(JOINT.ablations)
    assert not (recipe.denoising or recipe.fits_linear_head)
    assert recipe.adversarial_weight == recipe.denoising_weight == 0.0
    assert JOINT.without([]) == JOINT


def test_a_part_that_a_method_does_not_have_is_the_users_error():
    with pytest.raises(UserError, match="'paper'.*'adversarial'"):
        PAPER.without(["adversarial"])
