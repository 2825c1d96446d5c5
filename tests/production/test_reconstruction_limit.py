import numpy as np
import pytest

from ganad_tf.detector.residual_statistics import ResidualStatistics
from ganad_tf.errors import UserError
from ganad_tf.production import reconstruction_limit


class Fitted:
    """What of a detector counts: residuals of deviation 1 are usual."""

    parts = ("frechet_scores", "reconstruction_errors")

    class fusion_:
        location_ = np.zeros(2)

    def __init__(self):
        generator = np.random.default_rng(0)
        usual = generator.normal(size=(50, 16, 16, 1)).astype("float32")
        statistics = ResidualStatistics().fit([(usual, 0 * usual)])
        errors = statistics.reconstruction_errors(
            statistics.anomaly_maps(usual, 0 * usual)
        )
        self.fusion_.location_ = np.log([1.0, np.median(errors)])
        self.residual_statistics_ = statistics


def residuals(deviations, mean=0.0):
    generator = np.random.default_rng(1)
    values = generator.normal(size=(len(deviations), 16, 16, 1))
    scaled = mean + np.reshape(deviations, [-1, 1, 1, 1]) * values
    return scaled.astype("float32")


def check(*given, statistics=False):
    return reconstruction_limit.check(
        Fitted(), residuals(*given), statistics=statistics
    )


def test_ratios_are_those_of_the_deviation():
    ratios = check([1.5] * 40)
    assert ratios["total"] == pytest.approx(1.5, rel=0.1)
    assert ratios["around_their_mean"] == pytest.approx(1.5, rel=0.1)


def test_what_all_images_share_is_no_reason_but_a_warning(caplog):
    ratios = check([1.0] * 40, 9.0)
    assert ratios["total"] > 3 and ratios["around_their_mean"] < 1.2
    assert "--statistics" in caplog.text
    caplog.clear()
    check([1.0] * 40, 9.0, statistics=True)
    assert not caplog.text


def test_a_few_images_beyond_the_limit_are_no_reason():
    assert check([9.0] * 4 + [1.0] * 2)["total"] > 2


def test_most_images_beyond_the_limit_are_refused():
    with pytest.raises(UserError, match="times.*1[89] of 20 .*--init_from"):
        check([2.8] * 19 + [1.0])


def test_without_residual_there_is_no_limit():
    class Other:
        parts = ("frechet_scores",)

    assert reconstruction_limit.check(Other(), None, statistics=False) == {}
