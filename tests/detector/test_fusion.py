import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.fusion import TAIL
from ganad_tf.detector.fusion import PartFusion


def draw(count, num_parts=3, seed=0):
    """Correlated, skewed logarithms of parts."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=[count, 1])
    return common + generator.gumbel(size=[count, num_parts])


def test_a_calibration_score_is_standardised_by_the_other_images():
    log_parts = draw(13)
    scores = PartFusion([1, 1, 2]).fit(log_parts)
    for row in range(13):
        others = PartFusion([1, 1, 2])
        others.fit(np.delete(log_parts, row, axis=0))
        alone = others.fuse(log_parts[row : row + 1])
        assert scores[row] == pytest.approx(float(alone[0]), rel=1e-5)


def test_a_normal_part_is_1_at_its_tail():
    log_parts = np.random.default_rng(0).normal(3.0, 0.5, size=[20_000, 1])
    fusion = PartFusion([1])
    fusion.fit(log_parts)
    assert np.mean(fusion.standardize(log_parts) > 1) == pytest.approx(
        1 - TAIL, abs=0.005
    )


def test_some_unusual_calibration_images_hardly_move_the_scale():
    log_parts = draw(100)
    dirty = log_parts.copy()
    dirty[:10] += 20.0
    fusions = [PartFusion([1, 1, 1]) for _ in range(2)]
    for fusion, rows in zip(fusions, (log_parts, dirty), strict=True):
        fusion.fit(rows)
    ratios = fusions[1].scale_ / fusions[0].scale_
    assert (ratios < 1.5).all() and (ratios > 0.9).all()


def test_ties_are_left_out_one_at_a_time():
    log_parts = np.repeat(draw(5), 3, axis=0)
    scores = PartFusion([1, 1, 1]).fit(log_parts).reshape(5, 3)
    np.testing.assert_allclose(scores, scores[:, :1].repeat(3, 1), rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_images_have_scores(count):
    assert np.isfinite(PartFusion([1, 1, 1]).fit(draw(count))).all()


def test_a_part_that_is_unusual_is_not_drowned_by_usual_ones():
    fusion = PartFusion([1] * 8)
    usual = fusion.fit(draw(200, 8))
    rows = np.tile(fusion.location_, [2, 1])
    rows[1, 3] += 5 * fusion.scale_[3]
    middle, seen = fusion.fuse(tf.constant(rows)).numpy()
    assert middle < np.median(usual) * 1.2 and seen > np.quantile(usual, 0.99)


def test_scores_grow_with_each_part():
    fusion = PartFusion([1, 0.5, 2])
    fusion.fit(draw(50))
    rows = draw(20, seed=1)
    for part in range(3):
        higher = rows.copy()
        higher[:, part] += 0.1
        assert np.all(fusion.fuse(higher) > fusion.fuse(rows))


def test_a_part_that_does_not_vary_is_finite():
    log_parts = draw(20)
    log_parts[:, 1] = 0.7
    assert np.isfinite(PartFusion([1, 1, 1]).fit(log_parts)).all()


def fused(fusion, log_parts, new):
    return fusion.fit(log_parts), fusion.fuse(new)


def combined(fusion, log_parts, new):
    counted = [True, True, False]
    fusion.fit(log_parts)
    return (
        fusion.distances_as_if_new(log_parts, counted),
        fusion.distances(new, counted),
    )


@pytest.mark.parametrize("scores_of", [fused, combined])
@pytest.mark.parametrize(
    ("count", "alpha"), [(19, 0.05), (39, 0.05), (39, 0.1)]
)
def test_false_alarms_are_as_rare_as_promised(count, alpha, scores_of):
    """Over many splits; scaled by themselves, 19 images gave .06 to .08."""
    num_splits, alarms = 400, 0.0
    for split in range(num_splits):
        log_parts = draw(count + 50, seed=split)
        scores, new = scores_of(
            PartFusion([1, 1, 1]), log_parts[:count], log_parts[count:]
        )
        calibrator = ConformalCalibrator(alpha=alpha).fit(scores)
        alarms += calibrator.is_defective(new).mean() / num_splits
    # Deviation of a beta distribution, the rate given the calibration images.
    deviation = np.sqrt(alpha * (1 - alpha) / (count + 2) / num_splits)
    assert alarms <= alpha + 3 * deviation
