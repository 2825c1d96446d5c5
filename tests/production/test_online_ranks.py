import numpy as np
import pytest
import scipy.stats

from ganad_tf.detector.calibration import conformal_p_values
from ganad_tf.errors import UserError
from ganad_tf.production import online_ranks


@pytest.mark.parametrize("count", [19, 52, 184, 1999])
def test_the_number_of_calibration_images_follows_from_p_values(count):
    generator = np.random.default_rng(count)
    p_values = generator.integers(1, count + 2, 300) / (count + 1)
    written = np.array([float(f"{p:.7g}") for p in p_values])
    assert online_ranks.infer_num_calibration(written) == count


def test_p_values_of_two_models_are_an_error(monkeypatch):
    mixed = np.concatenate([np.arange(1, 59) / 59, np.arange(1, 48) / 47])
    monkeypatch.setattr(online_ranks, "_MAX_CALIBRATION", 2000)
    with pytest.raises(UserError, match="no multiples"):
        online_ranks.infer_num_calibration(mixed)


def test_places_are_in_the_order_of_calibration_and_scores():
    generator = np.random.default_rng(0)
    calibration = np.sort(generator.normal(2.0, 1.0, 30))
    scores = generator.normal(2.0, 1.0, 50)
    p_values = conformal_p_values(calibration, scores)
    places = online_ranks.positions(p_values, scores, 30)
    np.testing.assert_array_equal(np.argsort(places), np.argsort(scores))
    for place, score in zip(places, scores, strict=True):
        assert np.floor(place) == np.sum(calibration < score)


def test_online_p_values_are_ranks_among_all_before():
    generator = np.random.default_rng(1)
    calibration, stream = generator.normal(size=20), generator.normal(size=40)
    uniforms = generator.uniform(size=40)
    p_values = online_ranks.online_p_values(calibration, stream, uniforms)
    for row, value in enumerate(stream):
        before = np.concatenate([calibration, stream[:row]])
        above = np.sum(before > value) + uniforms[row]
        assert p_values[row] == pytest.approx(above / (21 + row))


def test_online_p_values_of_exchangeable_images_are_uniform_also_with_ties():
    generator = np.random.default_rng(2)
    values = generator.integers(0, 5, 620).astype(float)
    p_values = online_ranks.online_p_values(
        values[:20], values[20:], generator.uniform(size=600)
    )
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.01
    pairs = np.corrcoef(p_values[:-1], p_values[1:])[0, 1]
    assert abs(pairs) < 4 / np.sqrt(600)


def test_tie_breakers_depend_on_name_and_place():
    first = online_ranks.tie_breakers(["a", "a", "b"])
    assert len(set(first)) == 3 and ((first > 0) & (first < 1)).all()
    np.testing.assert_array_equal(
        first, online_ranks.tie_breakers(["a", "a", "b"])
    )
