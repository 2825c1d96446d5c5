import pytest

from ganad_tf.benchmark import timing


def test_a_rate_is_that_of_the_measured_runs(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    calls = []
    figure = timing.measure_rate(lambda: calls.append(1), 6.0, num_runs=3)
    assert len(calls) == 4  # the first one warms up
    assert figure == {"median": 6.0, "least": 6.0, "largest": 6.0}


def test_a_share_is_that_of_the_product_before_and_after(monkeypatch):
    ceilings = iter([100.0, 300.0, 100.0])
    monkeypatch.setattr(timing, "matrix_rate", lambda: next(ceilings))
    clock = iter(range(100))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    figure = timing.measure_rate(lambda: None, 2.0, num_runs=2, flops=25.0)
    assert figure["median"] == 2.0
    assert figure["share"] == 0.25  # 50 of 200, twice
    assert figure["share least"] == figure["share largest"] == 0.25


def test_the_matrix_product_has_a_rate():
    assert timing.matrix_rate(side=8) > 0


def test_the_exponent_of_a_power_law_is_its_growth():
    sizes = [10, 100, 1000]
    costs = [3.0 * size**1.5 for size in sizes]
    exponent = timing.growth_exponent(sizes, costs)
    assert exponent == pytest.approx(1.5)
