import json

import numpy as np
import pytest
from tool_runner import done
from tool_runner import failed

from ganad_tf.benchmark import false_alarms
from ganad_tf.errors import UserError
from ganad_tf.evaluation import metrics


@pytest.fixture(scope="module")
def measured():
    return false_alarms.measure_drawn_parts(300, seed=0)


def noise(num_images, num_parts):
    generator = np.random.default_rng(0)
    log_parts = generator.normal(size=[num_images, num_parts])
    maps = generator.lognormal(0, 1, size=[num_images, 16, 2])
    return false_alarms.Measured(
        log_parts, np.ones(num_parts), maps.astype(np.float32)
    )


def test_regions_are_as_rare_as_promised():
    """Maps that differ much: scaled by themselves, .10 became .13."""
    generator = np.random.default_rng(0)
    maps = generator.lognormal(0, 1, size=[300, 1, 2])
    maps = np.float32(maps * [[1, 0], [0, 1]])
    measured = noise(300, 1)._replace(maps=maps)
    (outcome,) = false_alarms.simulate(
        measured, num_draws=300, seed=0, counts=(19,), alphas=(0.1,)
    )
    assert 0.06 < outcome.region_rate < 0.1 + 3 * outcome.region_standard_error
    assert outcome.is_kept


def test_every_part_of_the_score_is_measured_and_varies(measured):
    log_parts, weights, maps = measured
    assert maps.shape == (300, 32 * 32, 2)
    assert log_parts.shape == (300, len(weights)) and len(weights) > 2
    assert np.isfinite(log_parts).all() and np.all(log_parts.std(axis=0) > 0)


def test_false_alarms_of_the_detector_are_at_most_alpha(measured):
    """Far more, were calibration images scaled by themselves."""
    outcomes = false_alarms.simulate(
        measured, num_draws=150, seed=0, counts=(19, 99)
    )
    refused, *possible = outcomes
    assert refused.obstacle == "refused: no p-value is below 0.05"
    assert len(possible) == 5
    for outcome in possible:
        assert outcome.rate <= outcome.alpha + 3 * outcome.standard_error
        assert outcome.is_kept and outcome.obstacle is None
        assert outcome.num_judged == 300 - outcome.num_calibration
    few = possible[0]
    assert (few.num_calibration, few.alpha) == (19, 0.05)
    errors = np.hypot(few.standard_error, few.naive_standard_error)
    assert few.naive_rate > few.rate + 2 * errors


def test_one_part_alone_has_the_rates_that_theory_says():
    """A score that is not scaled: no order of images is preferred."""
    (outcome,) = false_alarms.simulate(
        noise(200, 1), num_draws=400, seed=0, counts=(39,), alphas=(0.1,)
    )
    assert outcome.naive_rate == pytest.approx(
        0.1, abs=4 * outcome.naive_standard_error
    )
    # The deviation of a beta-binomial rate, over the root of the draws.
    size, alarms, quiet = 161, 4, 36
    variance = alarms * quiet * (40 + size) / (size * 40**2 * 41)
    assert outcome.naive_standard_error == pytest.approx(
        np.sqrt(variance / 400), rel=0.15
    )


def test_draws_depend_on_the_seed_alone(measured):
    first, again, other = (
        false_alarms.simulate(
            measured, num_draws=5, seed=seed, counts=counts, alphas=(0.1,)
        )[-1]
        for seed, counts in ((0, (19,)), (0, (9, 19)), (1, (19,)))
    )
    assert first == again != other


def test_rates_that_are_not_kept_are_shown():
    outcome = false_alarms.Outcome(
        19, 0.05, None, 100, 0.08, 0.005, 0.0, 0.1, 0.09, 0.006, 0.04, 0.005
    )
    assert not outcome.is_kept
    assert outcome._replace(rate=0.06).is_kept
    assert not outcome._replace(rate=0.06, region_rate=0.08).is_kept
    table = false_alarms.markdown([outcome])
    assert "| 19 | 0.05 | 0.0800 ± 0.0050 | **no** | 0.0 %, 10.0 % |" in table


def test_more_images_are_needed_than_calibrate():
    with pytest.raises(UserError, match="expected more than 19"):
        false_alarms.simulate(noise(19, 2), num_draws=2, seed=0)
    outcomes = false_alarms.simulate(
        noise(50, 2),
        num_draws=2,
        seed=0,
        alphas=(0.1,),
    )
    assert [one.obstacle for one in outcomes] == [
        None,
        None,
        "there are only 50 images",
        "there are only 50 images",
    ]


def test_a_trained_model_is_measured_on_what_it_has_not_seen(parts_model):
    measured = false_alarms.measure_held_out(parts_model)
    split = parts_model.split
    num_held_out = len(split.calibration) + len(split.test_qualified)
    assert measured.log_parts.shape == (num_held_out, len(measured.weights))
    pairs = [
        file._replace(group=str(row // 2))
        for row, file in enumerate(split.test_qualified)
    ]
    grouped = parts_model._replace(
        split=split._replace(test_qualified=tuple(pairs))
    )
    fewer = false_alarms.measure_held_out(grouped)
    assert len(fewer.log_parts) == num_held_out - len(pairs) // 2


def test_the_tool_prints_and_writes_every_outcome(tmp_path):
    output = str(tmp_path / "rates.json")
    answer = done(
        "simulate_false_alarms", num_images=60, num_draws=20, output=output
    )
    assert "| 99 | 0.05 | there are only 60 images |" in answer.stdout
    with open(output) as file:
        content = json.load(file)
    assert content["num_images"] == 60 and len(content["outcomes"]) == 12
    (found,) = [
        one
        for one in content["outcomes"]
        if (one["num_calibration"], one["alpha"]) == (39, 0.05)
    ]
    assert found["num_judged"] == 21 and found["standard_error"] > 0
    low, high = metrics.expected_rate95(0.05, num_calibration=39, num_images=21)
    assert low <= found["rate"] <= high
    line = failed("simulate_false_alarms", data="x")
    assert "both or neither" in line
