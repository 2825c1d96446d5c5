import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy import stats

from ganad_tf.evaluation import metrics as evaluation


def sample(seed=0, shift=1.0, sizes=(60, 40)):
    generator = np.random.default_rng(seed)
    labels = np.repeat([0, 1], sizes)
    return labels, generator.normal(shift * labels, 1.0)


def test_auroc_is_the_mann_whitney_statistic():
    labels, scores = sample()
    statistic = stats.mannwhitneyu(scores[labels == 1], scores[labels == 0])[0]
    found = evaluation.auroc(labels, scores)
    np.testing.assert_allclose(found, statistic / (60 * 40))
    assert evaluation.auroc(np.zeros(3), np.arange(3.0)) is None


def test_the_bootstrap_interval_is_that_of_a_loop():
    labels, scores = sample()
    generator = np.random.default_rng(5)
    areas = []
    for _ in range(1000):
        rows = np.concatenate(
            [
                generator.choice(np.flatnonzero(labels == k), n)
                for k, n in ((0, 60), (1, 40))
            ]
        )
        areas.append(evaluation.auroc(labels[rows], scores[rows]))
    found = evaluation.auroc_ci95(labels, scores, seed=0)
    np.testing.assert_allclose(
        found, np.quantile(areas, [0.025, 0.975]), atol=0.012
    )
    assert found == evaluation.auroc_ci95(labels, scores, seed=0)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    truth = stats.norm.cdf(1.0 / np.sqrt(2.0))
    hits = 0
    for seed in range(100):
        low, high = evaluation.auroc_ci95(*sample(seed), seed=0)
        hits += low <= truth <= high
    assert 88 <= hits <= 99


def test_a_method_differs_from_itself_by_nothing():
    labels, scores = sample()
    assert evaluation.auroc_difference_ci95(labels, scores, scores, seed=0) == [
        0.0,
        0.0,
    ]
    low, _ = evaluation.auroc_difference_ci95(
        labels, 3.0 * labels + 0.1 * scores, scores, seed=0
    )
    assert low > 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 30), st.integers(1, 30))
def test_rate_intervals_are_clopper_pearsons(count, rest):
    total = count + rest
    low, high = evaluation.rate_ci95(count, total)
    expected_low = stats.beta.ppf(0.025, count, rest + 1) if count else 0.0
    np.testing.assert_allclose(low, expected_low, atol=1e-9)
    np.testing.assert_allclose(
        high, stats.beta.ppf(0.975, count + 1, rest), atol=1e-9
    )


def test_rates_are_counted_right():
    labels = np.array([0, 0, 0, 0, 1, 1])
    decisions = np.array([True, False, False, False, True, False])
    point = evaluation.operating_point(labels, decisions)
    assert point.overkill_rate == 0.25 and point.escape_rate == 0.5
    assert point.accuracy == 4 / 6 and point.balanced_accuracy == 0.625


def test_overkill_is_told_at_the_usual_rates():
    rates = evaluation.overkill_by_alpha(np.array([0.01, 0.03, 0.05, 0.5]))
    assert rates["0.01"]["overkill_rate"] == 0.25
    assert rates["0.05"]["overkill_rate"] == 0.75
    assert rates["0.05"]["overkill_rate_ci95"] == evaluation.rate_ci95(3, 4)


def test_without_defective_images_there_is_no_escape_rate():
    point = evaluation.operating_point(np.zeros(3, int), np.zeros(3, bool))
    assert point.escape_rate is None and point.balanced_accuracy is None
    assert point.overkill_rate == 0.0
    assert point.escape_rate_ci95 == [0.0, 1.0]


def test_each_type_is_compared_with_all_qualified_images():
    labels = np.array([0, 0, 1, 1, 1])
    types = np.array(["good", "good", "dent", "dent", "scratch"])
    scores = np.array([0.0, 2.0, 1.0, 3.0, -1.0])
    found = evaluation.auroc_by_type(labels, types, scores)
    assert found == {"dent": 0.75, "scratch": 0.0}


def naive_aupro(masks, maps, limit):
    regions = []
    for mask in masks:
        labelled, count = ndimage.label(mask, np.ones([3, 3]))
        regions.append([labelled == k + 1 for k in range(count)])
    rates, overlaps = [0.0], [None]
    for threshold in np.unique(maps[~masks])[::-1]:
        rate = (maps[~masks] >= threshold).mean()
        if rate > limit + 1e-9:
            break
        shares = [
            (found[region] >= threshold).mean()
            for found, own in zip(maps, regions, strict=True)
            for region in own
        ]
        rates.append(rate)
        overlaps.append(np.mean(shares))
    overlaps[0] = overlaps[1]
    return np.trapezoid(overlaps, rates) / rates[-1]


@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0])
def test_aupro_equals_a_naive_loop(strength):
    generator = np.random.default_rng(0)
    masks = np.zeros([4, 16, 16], bool)
    masks[0, 2:6, 2:6] = masks[0, 10:12, 10:15] = masks[1, 4:9, 3:4] = True
    maps = generator.normal(size=masks.shape) + strength * masks
    found = evaluation.aupro(masks, maps)
    np.testing.assert_allclose(found, naive_aupro(masks, maps, 0.3), atol=1e-6)


def test_a_perfect_map_has_areas_of_one():
    masks = np.zeros([2, 16, 16], bool)
    masks[0, 2:6, 2:6] = True
    maps = masks + 0.1 * np.random.default_rng(0).random(masks.shape)
    assert evaluation.aupro(masks, maps) == 1.0
    assert evaluation.pixel_auroc(masks, maps) == 1.0
    assert evaluation.aupro(np.zeros([1, 4, 4]), np.zeros([1, 4, 4])) is None


def test_methods_are_compared_with_the_first():
    labels, scores = sample()
    types = np.where(labels, "dent", "good")
    found = evaluation.compare_methods(
        labels,
        types,
        {"ours": scores, "other": -scores},
        {"ours": scores > 1, "other": scores < 0},
        seed=0,
    )
    assert found["auroc"]["ours"] == 1 - found["auroc"]["other"]
    assert set(found["auroc_difference_ci95"]) == {"other"}
    assert found["methods"]["ours"]["accuracy"] == found["accuracy"]
