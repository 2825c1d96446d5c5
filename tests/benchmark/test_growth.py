import pytest

from ganad_tf.benchmark import growth


def test_a_series_has_its_costs_and_their_exponent():
    costs = {size: {"median": 2.0 * size} for size in (10, 100)}
    figures = growth._series("pixels", [10, 100], costs)
    assert figures["pixels 10, ms/image"] == {"median": 20.0}
    exponent = figures["pixels, growth exponent"]["median"]
    assert exponent == pytest.approx(1.0)


def test_costs_are_the_inverse_of_rates(parts_detector, monkeypatch):
    rate = {"median": 100.0, "least": 50.0, "largest": 200.0}
    monkeypatch.setattr(
        growth.timing, "measure_rate", lambda *_, **__: dict(rate)
    )
    cost = growth._milliseconds(parts_detector, 1)
    assert cost == {"median": 10.0, "least": 5.0, "largest": 20.0}


def test_all_series_are_measured(monkeypatch):
    settings = []

    def fit_detector(gan, **changes):
        settings.append({**gan, **changes})
        return "detector"

    monkeypatch.setattr(growth.synthetic, "build_gan", lambda **size: size)
    monkeypatch.setattr(growth.synthetic, "fit_detector", fit_detector)
    monkeypatch.setattr(
        growth, "_milliseconds", lambda *_: {"median": float(len(settings))}
    )
    figures = growth.measure(num_runs=1, num_sizes=2)
    assert len(figures) == 3 * (2 + 1)
    assert [one.get("image_size") for one in settings[:2]] == [32, 64]
    assert [one.get("num_steps") for one in settings[2:4]] == [10, 30]
    assert [one.get("latent_dim") for one in settings[4:]] == [64, 128]
