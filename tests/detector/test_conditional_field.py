import numpy as np
import pytest

from ganad_tf.detector.conditional_field import ConditionalField
from ganad_tf.errors import UserError


def draw(count, *, seed, effect=2.0):
    """Features of 3 channels that depend on latents, correlated noise."""
    generator = np.random.default_rng(seed)
    latents = generator.normal(size=(count, 2))
    weights = np.random.default_rng(7).normal(size=(2, 4, 5, 3))
    mixing = np.random.default_rng(8).normal(size=(3, 3))
    noise = generator.normal(size=(count, 4, 5, 3)) @ mixing
    return effect * np.tensordot(latents, weights, 1) + noise + 1.0, latents


def fitted(count=400, **kwargs):
    features, latents = draw(count, seed=0, **kwargs)
    return ConditionalField(latent_dim=2).update(features, latents).finish()


def test_distances_of_qualified_cells_are_chi_squared():
    features, latents = draw(500, seed=1)
    distances = fitted().frechet_distances(features, latents)
    assert distances.shape == (500, 4, 5)
    assert abs(distances.mean() - 3.0) < 0.2  # the number of channels
    assert abs(np.mean(distances > 7.81) - 0.05) < 0.015  # its 95 % quantile


def test_the_latent_explains_the_mean():
    features, latents = draw(200, seed=1)
    field = fitted()
    known = field.frechet_distances(features, latents).mean()
    unknown = field.frechet_distances(features, 0 * latents).mean()
    assert unknown > 3 * known


def test_distances_equal_those_of_the_least_squares_reference():
    features, latents = draw(4000, seed=0)
    field = ConditionalField(latent_dim=2).update(features, latents).finish()
    design = np.c_[np.ones(len(latents)), latents]
    new, new_latents = draw(50, seed=3)
    cell = features[:, 1, 2]
    solution = np.linalg.lstsq(design, cell, rcond=None)[0]
    covariance = np.cov((cell - design @ solution).T)
    offsets = new[:, 1, 2] - np.c_[np.ones(50), new_latents] @ solution
    expected = np.einsum(
        "ni,ij,nj->n", offsets, np.linalg.inv(covariance), offsets
    )
    ours = field.frechet_distances(new, new_latents)[:, 1, 2]
    # Shrinkage to neighbours, of the same covariance here, and to isotropy.
    np.testing.assert_allclose(ours, expected, rtol=0.15, atol=0.05)


@pytest.mark.parametrize("cuts", [[20, 40], [7, 18, 59], [1]])
def test_parts_that_know_their_place_merge_to_the_whole(cuts):
    features, latents = draw(60, seed=0)
    at_once = ConditionalField(latent_dim=2).update(features, latents).finish()
    merged = ConditionalField(latent_dim=2)
    bounds = [0, *cuts, 60]
    parts = list(zip(bounds[:-1], bounds[1:], strict=True))
    for first, end in parts[::-1]:
        part = ConditionalField(latent_dim=2, first_image=first)
        middle = (first + end) // 2  # in two batches
        part.update(features[first:middle], latents[first:middle])
        part.update(features[middle:end], latents[middle:end])
        merged.merge(part)
    merged.finish()
    assert merged.num_images_ == 60
    assert merged.ridge_ == at_once.ridge_
    assert merged.common_share_ == at_once.common_share_
    # float32 sums, and results of 11 bits.
    for name in ("coefficients_", "whitening_"):
        np.testing.assert_allclose(
            getattr(merged, name), getattr(at_once, name), rtol=2e-3, atol=1e-4
        )


def test_a_merged_part_is_left_as_it_is():
    features, latents = draw(60, seed=0)
    part, other = (
        ConditionalField(latent_dim=2, first_image=first).update(
            features[first : first + 30], latents[first : first + 30]
        )
        for first in (0, 30)
    )
    merged = ConditionalField(latent_dim=2).merge(part).merge(other)
    alone = part.finish().coefficients_
    expected = ConditionalField(latent_dim=2).update(
        features[:30], latents[:30]
    )
    np.testing.assert_array_equal(alone, expected.finish().coefficients_)
    assert merged.finish().num_images_ == 60


def test_held_out_likelihood_chooses_how_much_cells_have_in_common():
    features, latents = draw(800, seed=0)
    alike = ConditionalField(latent_dim=2).update(features, latents).finish()
    scales = np.exp(np.random.default_rng(9).normal(size=(4, 5, 1)))
    features = features * scales
    unlike = ConditionalField(latent_dim=2).update(features, latents).finish()
    assert alike.common_share_ > 0.3 > unlike.common_share_


def test_few_images_give_finite_distances():
    features, latents = draw(30, seed=1)
    for count in (5, 12):
        distances = fitted(count).frechet_distances(features, latents)
        assert np.isfinite(distances).all()


def test_too_few_images_are_an_error():
    features, latents = draw(4, seed=0)
    field = ConditionalField(latent_dim=2).update(features, latents)
    with pytest.raises(UserError, match="at least 5 .*Received: 4"):
        field.finish()


def test_a_channel_that_never_varies_is_finite():
    """As of parts without noise; its whitening overflowed float16."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(40, 3, 3, 2))
    features[..., 1] = 0.0
    latents = generator.normal(size=(40, 2))
    field = ConditionalField(latent_dim=2).update(features, latents).finish()
    assert np.isfinite(field.whitening_).all()
    qualified = field.frechet_distances(features, latents)
    features[0, 1, 1, 1] = 0.01
    changed = field.frechet_distances(features, latents)
    assert np.isfinite(qualified).all()
    assert changed[0, 1, 1] > 10.0 * qualified[0].max()
