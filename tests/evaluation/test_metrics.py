import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats

from ganad_tf.evaluation import metrics


def sample(seed=0, shift=1.0, sizes=(60, 40)):
    generator = np.random.default_rng(seed)
    labels = np.repeat([0, 1], sizes)
    return labels, generator.normal(shift * labels, 1.0)


def test_auroc_is_the_mann_whitney_statistic():
    labels, scores = sample()
    statistic = stats.mannwhitneyu(scores[labels == 1], scores[labels == 0])[0]
    measured = metrics.auroc(labels, scores)
    np.testing.assert_allclose(measured, statistic / (60 * 40))
    assert metrics.auroc(np.zeros(3), np.arange(3.0)) is None


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
        areas.append(metrics.auroc(labels[rows], scores[rows]))
    measured = metrics.auroc_ci95(labels, scores, seed=0)
    np.testing.assert_allclose(
        measured, np.quantile(areas, [0.025, 0.975]), atol=0.012
    )
    assert measured == metrics.auroc_ci95(labels, scores, seed=0)


def test_the_ranks_count_what_a_matrix_of_pairs_counts():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], [30, 20])
    scores = generator.integers(0, 9, 50).astype(float)  # with many ties
    areas = metrics._resampled_aurocs(labels, [scores, -scores], seed=3)
    same = np.random.default_rng(3)
    qualified = same.multinomial(30, np.full(30, 1 / 30), metrics.NUM_RESAMPLES)
    defective = same.multinomial(20, np.full(20, 1 / 20), metrics.NUM_RESAMPLES)
    wins = 0.5 + 0.5 * np.sign(scores[30:, None] - scores[:30])
    expected = ((defective @ wins) * qualified).sum(axis=1) / (30 * 20)
    np.testing.assert_array_equal(areas[0], expected)
    np.testing.assert_allclose(areas[1], 1.0 - expected, atol=1e-12)


def test_the_bootstrap_needs_no_matrix_of_pairs():
    labels = np.repeat([0, 1], 4000)
    scores = np.random.default_rng(0).normal(labels)
    tracemalloc.start()
    metrics.auroc_ci95(labels, scores, seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The counts of all resamples, and numbers of a few of them.
    counts = 2 * metrics.NUM_RESAMPLES * len(labels)
    assert peak < counts + 8 * 8 * metrics._MAX_VALUES


def test_resamples_do_not_depend_on_how_many_are_held(monkeypatch):
    labels, scores = sample()
    expected = metrics.auroc_ci95(labels, scores, seed=0)
    monkeypatch.setattr(metrics, "_MAX_VALUES", 777)
    assert metrics.auroc_ci95(labels, scores, seed=0) == expected


def test_the_interval_covers_the_truth_as_often_as_it_says():
    truth = stats.norm.cdf(1.0 / np.sqrt(2.0))
    hits = 0
    for seed in range(100):
        low, high = metrics.auroc_ci95(*sample(seed), seed=0)
        hits += low <= truth <= high
    assert 88 <= hits <= 99


def test_a_method_differs_from_itself_by_nothing():
    labels, scores = sample()
    assert metrics.auroc_difference_ci95(labels, scores, scores, seed=0) == [
        0.0,
        0.0,
    ]
    low, _ = metrics.auroc_difference_ci95(
        labels, 3.0 * labels + 0.1 * scores, scores, seed=0
    )
    assert low > 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 30), st.integers(1, 30))
def test_rate_intervals_are_clopper_pearsons(count, rest):
    total = count + rest
    low, high = metrics.rate_ci95(count, total)
    expected_low = stats.beta.ppf(0.025, count, rest + 1) if count else 0.0
    np.testing.assert_allclose(low, expected_low, atol=1e-9)
    np.testing.assert_allclose(
        high, stats.beta.ppf(0.975, count + 1, rest), atol=1e-9
    )


def test_rates_are_counted_right():
    labels = np.array([0, 0, 0, 0, 1, 1])
    decisions = np.array([True, False, False, False, True, False])
    point = metrics.operating_point(labels, decisions)
    assert point.overkill_rate == 0.25 and point.escape_rate == 0.5
    assert point.accuracy == 4 / 6 and point.balanced_accuracy == 0.625


@pytest.mark.parametrize(
    "alpha, count, total",
    [(0.05, 19, 40), (0.05, 99, 100), (0.1, 50, 7), (0.01, 400, 200)],
)
def test_alarms_of_drawn_calibrations_are_as_often_inside_as_expected(
    alpha, count, total
):
    """Ranks of qualified images among calibration images, by chance alone."""
    low, high = metrics.expected_rate95(
        alpha, num_calibration=count, num_images=total
    )
    drawn = np.random.default_rng(0).uniform(size=[4000, count + total])
    edges = np.sort(drawn[:, :count])[:, -int(alpha * (count + 1) + 1e-9)]
    rates = np.mean(drawn[:, count:] > edges[:, None], axis=1)
    inside = np.mean((rates >= low) & (rates <= high))
    assert inside > 0.94 and np.mean(rates < high) < 0.985


def test_a_few_calibration_images_let_expect_more_than_many():
    few, many = (
        metrics.expected_rate95(0.05, num_calibration=n, num_images=100)
        for n in (19, 9999)
    )
    assert few[0] <= many[0] and few[1] > many[1]
    binomial = stats.binom(100, 0.05).interval(0.95)
    np.testing.assert_allclose(many, np.array(binomial) / 100)


def test_too_few_calibration_images_never_raise_an_alarm():
    ends = metrics.expected_rate95(0.01, num_calibration=98, num_images=9)
    assert ends == [0.0, 0.0]
    ends = metrics.expected_rate95(0.01, num_calibration=99, num_images=0)
    assert ends == [0.0, 1.0]


def test_overkill_is_told_at_the_usual_rates():
    counts = {"num_calibration": 99, "num_images": 4}
    p_values = np.array([0.01, 0.03, 0.05, 0.5])
    rates = metrics.overkill_by_alpha(p_values, **counts)
    expected = metrics.expected_rate95(0.05, **counts)
    assert rates["0.05"]["overkill_rate_expected95"] == expected
    assert rates["0.01"]["overkill_rate"] == 0.25
    assert rates["0.05"]["overkill_rate"] == 0.75
    assert rates["0.05"]["overkill_rate_ci95"] == metrics.rate_ci95(3, 4)


def test_without_defective_images_there_is_no_escape_rate():
    point = metrics.operating_point(np.zeros(3, int), np.zeros(3, bool))
    assert point.escape_rate is None and point.balanced_accuracy is None
    assert point.overkill_rate == 0.0
    assert point.escape_rate_ci95 == [0.0, 1.0]


def test_each_type_is_compared_with_all_qualified_images():
    labels = np.array([0, 0, 1, 1, 1])
    types = np.array(["good", "good", "dent", "dent", "scratch"])
    scores = np.array([0.0, 2.0, 1.0, 3.0, -1.0])
    measured = metrics.auroc_by_type(labels, types, scores)
    assert measured == {"dent": 0.75, "scratch": 0.0}


def test_methods_are_compared_with_the_first():
    labels, scores = sample()
    types = np.where(labels, "dent", "good")
    measured = metrics.compare_methods(
        labels,
        types,
        {"ours": scores, "other": -scores},
        {"ours": scores > 1, "other": scores < 0},
        seed=0,
    )
    assert measured["auroc"]["ours"] == 1 - measured["auroc"]["other"]
    assert set(measured["auroc_difference_ci95"]) == {"other"}
    assert measured["methods"]["ours"]["accuracy"] == measured["accuracy"]
