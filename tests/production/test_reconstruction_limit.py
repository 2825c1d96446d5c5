import numpy as np
import pytest
from conftest import make_parts

from ganad_tf.errors import UserError
from ganad_tf.production import reconstruction_limit


def detection(parts_detector, ratios):
    """Of images with residuals of so many medians of the calibration."""
    detected = parts_detector.detect_batches([make_parts(len(ratios), seed=3)])
    column = parts_detector.parts.index("reconstruction_errors")
    parts = detected.part_scores.copy()
    parts[:, column] = np.log(ratios) / parts_detector.fusion_.scale_[column]
    return detected._replace(part_scores=parts)


def test_the_ratio_is_the_median(parts_detector):
    given = detection(parts_detector, [0.5, 1.5, 9.0])
    assert reconstruction_limit.check(parts_detector, given) == pytest.approx(
        1.5
    )


def test_a_few_images_beyond_the_limit_are_no_reason(parts_detector):
    given = detection(parts_detector, [2.5] * 4 + [1.0] * 2)
    assert reconstruction_limit.check(parts_detector, given) > 2


def test_most_images_beyond_the_limit_are_refused(parts_detector):
    given = detection(parts_detector, [2.5] * 19 + [1.0])
    with pytest.raises(UserError, match="2.5 times.*19 of 20 images"):
        reconstruction_limit.check(parts_detector, given)


def test_without_residual_there_is_no_limit(parts_detector):
    class Other:
        parts = ("frechet_scores",)

    assert reconstruction_limit.check(Other(), None) is None
