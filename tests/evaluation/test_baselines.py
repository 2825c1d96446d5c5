import numpy as np
import pytest
from conftest import make_parts

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.evaluation import baselines

NAMES = [
    "gmm",
    "one_class_svm",
    "lof",
    "pca_reconstruction",
    "laplacian_energy",
    "darkness",
    "minimum",
    "deviation",
]


def fitted(count, **changes):
    made = baselines.make_baselines(num_images=count, seed=0)
    parts = make_parts(count, seed=0, **changes)
    return {name: one.fit(parts) for name, one in made.items()}


def test_names_and_order_are_those_promised():
    assert list(baselines.make_baselines(num_images=9, seed=0)) == NAMES


@pytest.mark.parametrize("channels", [1, 3])
def test_a_dark_square_raises_every_score(channels):
    parts = make_parts(30, seed=1, channels=channels)
    for name, baseline in fitted(60, channels=channels).items():
        usual = np.median(baseline.anomaly_scores(parts))
        defective = np.median(baseline.anomaly_scores(scratch(parts)))
        assert defective > usual, name


@pytest.mark.parametrize("name", NAMES)
def test_a_score_does_not_depend_on_the_other_images(name):
    baseline, parts = fitted(40)[name], make_parts(6, seed=1)
    together = baseline.anomaly_scores(parts)
    alone = np.concatenate(
        [baseline.anomaly_scores(parts[row : row + 1]) for row in range(6)]
    )
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_eight_images_are_enough_to_run():
    for name, baseline in fitted(8).items():
        scores = baseline.anomaly_scores(make_parts(3, seed=1))
        assert np.isfinite(scores).all(), name


def test_trivial_statistics_are_what_they_are_called():
    pixels = np.array([-0.5, 0.0, 0.8, 0.1]).reshape(1, 2, 2, 1)
    made = baselines.make_baselines(num_images=9, seed=0)
    found = {
        name: made[name].anomaly_scores(pixels)[0]
        for name in ("darkness", "minimum", "deviation")
    }
    expected = {"darkness": -0.1, "minimum": 0.5, "deviation": np.std(pixels)}
    assert found == pytest.approx(expected)


def test_pca_score_is_the_mean_of_the_largest_residuals():
    generator = np.random.default_rng(0)
    pixels = generator.normal(size=(30, 4096))
    estimator = baselines.PCAReconstruction(5, seed=0).fit(pixels)
    basis = np.linalg.svd(pixels - pixels.mean(axis=0))[2][:5]
    centred = pixels[:2] - pixels.mean(axis=0)
    residuals = np.abs(centred - centred @ basis.T @ basis)
    expected = np.sort(residuals, axis=1)[:, -40:].mean(axis=1)
    np.testing.assert_allclose(
        -estimator.score_samples(pixels[:2]), expected, rtol=1e-6
    )


def test_laplacian_energy_sees_a_change_of_fine_texture():
    generator = np.random.default_rng(0)

    def textures(count):
        return generator.normal(0, 0.2, size=(count, 48, 48, 1))

    estimator = baselines.LaplacianEnergy().fit(textures(30))
    changed = textures(10)
    changed[:, 20:30, 20:30] *= 0.3
    usual = -estimator.score_samples(textures(10))
    assert (-estimator.score_samples(changed)).min() > usual.max()
