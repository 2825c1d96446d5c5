import tracemalloc

import numpy as np
import pytest
import references
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf

from ganad_tf.detector import latent_statistics
from ganad_tf.detector.latent_moments import LatentMoments
from ganad_tf.detector.latent_statistics import LatentGaussian


def gaussian(seed, dim=4):
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(dim, dim))
    return generator.normal(size=dim), root @ root.T


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_distance_equals_scipys_square_root(seed, dim):
    one, other = gaussian(seed, dim), gaussian(seed + 1, dim)
    found = latent_statistics.frechet_distance(*one, *other)
    expected = references.frechet_distance(*one, *other)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_distance_is_a_symmetric_rotation_invariant_distance(seed):
    one, other = gaussian(seed), gaussian(seed + 1)
    there = latent_statistics.frechet_distance(*one, *other)
    back = latent_statistics.frechet_distance(*other, *one)
    rotation = np.linalg.qr(gaussian(seed + 2)[1])[0]
    turned = [
        (rotation @ m, rotation @ c @ rotation.T) for m, c in (one, other)
    ]
    assert there >= 0
    np.testing.assert_allclose(there, back, rtol=1e-6)
    np.testing.assert_allclose(
        there,
        latent_statistics.frechet_distance(*turned[0], *turned[1]),
        rtol=1e-6,
    )
    assert latent_statistics.frechet_distance(*one, *one) < 1e-6


def test_diagonal_gaussians_have_a_closed_form():
    mean_1, mean_2 = np.array([0.0, 1.0]), np.array([2.0, 1.0])
    variances_1, variances_2 = np.array([4.0, 0.0]), np.array([1.0, 9.0])
    found = latent_statistics.frechet_distance(
        mean_1, np.diag(variances_1), mean_2, np.diag(variances_2)
    )
    roots = np.sqrt(variances_1) - np.sqrt(variances_2)
    np.testing.assert_allclose(found, 4.0 + np.sum(roots**2))


def test_shapes_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2, 2\)"):
        latent_statistics.frechet_distance(
            np.zeros(3), np.eye(2), np.zeros(2), np.eye(2)
        )


def test_covariance_is_ledoit_wolf_of_the_standardised_latents():
    latents = np.random.default_rng(0).normal(size=(30, 5)) * [1, 2, 3, 4, 50]
    found = LatentGaussian().fit(latents)
    deviations = latents.std(axis=0)
    expected = LedoitWolf().fit(latents / deviations).covariance_
    np.testing.assert_allclose(
        found.covariance_ / np.outer(deviations, deviations),
        expected,
        rtol=1e-6,
    )


def test_a_fit_needs_little_memory_beside_the_latents():
    latents = np.random.default_rng(0).normal(size=(30000, 40))
    latents = latents.astype(np.float32)
    tracemalloc.start()
    found = LatentGaussian().fit(latents)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < latents.nbytes
    deviations = latents.std(axis=0, dtype=np.float64)
    expected = LedoitWolf().fit(latents / deviations).covariance_
    np.testing.assert_allclose(
        found.covariance_ / np.outer(deviations, deviations),
        expected,
        atol=1e-6,
    )


@pytest.mark.parametrize("whiten", [True, False])
@pytest.mark.parametrize("count", [1, 3, 50])
def test_low_rank_form_equals_the_full_one(whiten, count):
    generator = np.random.default_rng(0)
    reference = LatentGaussian(whiten=whiten).fit(
        generator.normal(size=(40, 6))
    )
    latents = generator.normal(1.0, 2.0, size=(count, 6))
    root = reference.whitening_
    points = (latents - reference.location_) @ root
    expected = latent_statistics.frechet_distance(
        np.zeros(6),
        root @ reference.covariance_ @ root,
        points.mean(axis=0),
        np.cov(points.T, bias=True) if count > 1 else np.zeros([6, 6]),
    )
    found = reference.frechet_distance(latents)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("whiten", [True, False])
def test_an_images_score_is_the_distance_of_a_set_of_one(whiten):
    generator = np.random.default_rng(0)
    reference = LatentGaussian(whiten=whiten).fit(
        generator.normal(size=(40, 6))
    )
    latents = generator.normal(size=(3, 6))
    scores = reference.frechet_scores(latents)
    for score, latent in zip(scores, latents, strict=True):
        np.testing.assert_allclose(
            score, reference.frechet_distance(latent[None]), rtol=1e-6
        )


def test_whitened_distance_is_mahalanobis():
    generator = np.random.default_rng(0)
    reference = LatentGaussian().fit(generator.normal(size=(40, 4)))
    latents = generator.normal(size=(5, 4))
    offsets = latents - reference.location_
    expected = np.einsum(
        "ni,ij,nj->n", offsets, np.linalg.inv(reference.covariance_), offsets
    )
    np.testing.assert_allclose(
        reference.squared_mahalanobis(latents), expected, rtol=1e-6
    )
    np.testing.assert_allclose(reference.spread_, 4.0, rtol=1e-6)


def test_fewer_latents_than_dimensions_are_no_special_case():
    latents = np.random.default_rng(0).normal(size=(3, 20))
    reference = LatentGaussian().fit(latents)
    assert np.isfinite(reference.frechet_scores(latents)).all()
    assert reference.num_latents_ == 3


def test_constant_latents_give_finite_scores():
    reference = LatentGaussian().fit(np.ones([10, 3]))
    assert np.isfinite(reference.frechet_scores(np.zeros([2, 3]))).all()


def test_bad_latents_are_errors():
    with pytest.raises(ValueError, match=r"latents.shape=\(1, 3\)"):
        LatentGaussian().fit(np.zeros([1, 3]))
    with pytest.raises(ValueError, match="moments of at least 2.* of 1"):
        LatentGaussian().fit_moments(LatentMoments(3).update(np.ones([1, 3])))
    with pytest.raises(ValueError, match="diverged"):
        LatentGaussian().fit(np.array([[0.0], [np.nan]]))
