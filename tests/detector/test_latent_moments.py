import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from ganad_tf.detector.latent_moments import LatentMoments


def draw(count, dim=6, *, seed=0):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(dim, dim))
    return generator.normal(size=(count, dim)) @ mixing + 3.0


@pytest.mark.parametrize("count", [2, 5, 40, 3000])
def test_shrinkage_is_that_of_scikit_learn(count):
    latents = draw(count)
    moments = LatentMoments(6).update(latents)
    deviations = latents.std(axis=0) + 0.1
    expected, _ = ledoit_wolf((latents - latents.mean(axis=0)) / deviations)
    found = moments.shrunk_correlation(deviations)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert moments.count == count
    np.testing.assert_allclose(
        moments.covariance, np.cov(latents.T, bias=True), atol=1e-11
    )


@pytest.mark.parametrize("seed", range(5))
def test_parts_in_any_order_merge_to_the_whole(seed):
    latents = draw(500, seed=seed)
    generator = np.random.default_rng(seed)
    cuts = np.sort(generator.choice(np.arange(1, 500), 4, replace=False))
    parts = [LatentMoments(6).update(p) for p in np.split(latents, cuts)]
    generator.shuffle(parts)
    # A tree, as an engine merges them.
    left = parts[0].merge(parts[1])
    merged = parts[2].merge(parts[3]).merge(left).merge(parts[4])
    whole = LatentMoments(6).update(latents)
    assert merged.count == 500
    np.testing.assert_allclose(merged.sums, whole.sums, rtol=1e-11)
    deviations = latents.std(axis=0)
    np.testing.assert_allclose(
        merged.shrunk_correlation(deviations),
        whole.shrunk_correlation(deviations),
        rtol=1e-9,
        atol=1e-12,
    )


def test_equal_latents_are_not_shrunk_to_noise():
    moments = LatentMoments(3).update(np.full([10, 3], 0.7))
    found = moments.shrunk_correlation(np.full(3, 1e-3))
    np.testing.assert_allclose(found, 0.0, atol=1e-9)
