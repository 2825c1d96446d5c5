import numpy as np
import pytest
import scored
from conftest import make_parts
from conftest import write_images

from ganad_tf.production import appearance
from ganad_tf.production import drift_figures
from ganad_tf.production import score_stream


def described(tmp_path, given, **changes):
    path = scored.write(tmp_path / "scores.csv", given)
    images, _ = score_stream.read_stream(path)
    looks = appearance.looks_of(images)
    settings = {
        "num_calibration": 60,
        "alpha": 0.05,
        "size": 50,
        "looks": looks,
        "usual_looks": {name: values[:50] for name, values in looks.items()},
    }
    return drift_figures.windows(images, **{**settings, **changes})


def test_windows_show_when_a_line_changed(tmp_path):
    found = described(tmp_path, scored.rows(220, shift=4.0, start=100))
    assert [(w.start, w.stop) for w in found] == [
        *((0, 50), (50, 100), (100, 150), (150, 220)),
    ]
    for window in found[:2]:
        assert window.band[0] <= window.share_below <= window.band[1]
        assert window.ks_p_value > 0.01
        assert abs(window.shifts["frechet_score"]) < 1
    for window in found[2:]:
        assert window.share_below > window.band[1]
        assert window.ks_p_value < 1e-4
        assert window.shifts["frechet_score"] > 1
        assert window.shifts["brightness"] is None


def test_a_short_stream_is_one_window(tmp_path):
    (window,) = described(tmp_path, scored.rows(7))
    assert (window.start, window.stop) == (0, 7)


def test_the_test_of_unchanged_windows_is_fair(tmp_path):
    generator = np.random.default_rng(0)
    p_values = []
    for _ in range(200):
        cells = generator.integers(0, 61, 50)  # as if n were large
        p_values.append(drift_figures._ks_p_value((cells + 1) / 61, 60))
    assert np.mean(np.array(p_values) < 0.05) < 0.1


def test_darker_pictures_are_seen(tmp_path):
    parts = make_parts(100, seed=0)
    parts[50:] -= 0.3
    write_images(tmp_path, parts)
    given = scored.rows(100, folder=f"{tmp_path}/")
    first, second = described(tmp_path, given)
    assert first.shifts["brightness"] == pytest.approx(0, abs=0.5)
    assert second.shifts["brightness"] < -1.5
