import pytest
from conftest import tiny_config

from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.detector import build_detector
from ganad_tf.errors import UserError
from ganad_tf.training import building


@pytest.fixture(scope="module")
def gan():
    return building.build_gan(tiny_config())


def made_for(gan, **changes):
    values = {"method": "joint", "alpha": 0.05}
    return build_detector(gan, **{**values, **changes})


def test_an_unknown_method_is_an_error(gan):
    with pytest.raises(UserError, match="method='other'"):
        made_for(gan, method="other")


def test_the_recipe_decides_what_is_not_given(gan):
    joint, paper = made_for(gan), made_for(gan, method="paper")
    assert joint.inverter.num_steps == 3 and joint.whiten
    assert joint.score_parts == (
        "frechet_scores",
        "reconstruction_errors",
    )
    assert paper.inverter.get_config()["schedule"] == "constant"
    assert paper.score_parts == ("frechet_scores",) and not paper.whiten
    assert made_for(gan, num_steps=7).inverter.num_steps == 7


def test_the_configuration_makes_the_same_detector(gan):
    detector = made_for(gan, num_steps=5, alpha=0.2)
    again = OneClassDetector.from_config(detector.get_config(), gan)
    assert again.get_config() == detector.get_config()
