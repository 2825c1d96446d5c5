import numpy as np
import tensorflow as tf

from ganad_tf.gan.latent_prior import LatentPrior

SEED = tf.constant([0, 1])


def two_kinds():
    noise = np.random.default_rng(0).normal(0.0, 0.3, size=(400, 2))
    return noise + np.where(np.arange(400) % 2, 3.0, -3.0)[:, None]


def test_samples_are_of_one_kind_or_the_other():
    prior = LatentPrior(latent_dim=2).fit(two_kinds(), seed=0)
    samples = prior.sample(2000, seed=SEED).numpy()
    # The two kinds lie on the diagonal; nothing is drawn between them.
    assert (np.abs(samples.mean(axis=1)) > 1.5).all()
    assert 0.4 < (samples[:, 0] > 0).mean() < 0.6
    np.testing.assert_allclose(samples.std(axis=0), 3.0, atol=0.15)


def test_unfitted_it_is_the_standard_normal():
    samples = LatentPrior(latent_dim=3).sample(5000, seed=SEED).numpy()
    np.testing.assert_allclose(samples.mean(axis=0), 0.0, atol=0.06)
    np.testing.assert_allclose(samples.std(axis=0), 1.0, atol=0.06)


def test_the_seed_fixes_the_samples():
    prior = LatentPrior(latent_dim=2).fit(two_kinds(), seed=0)
    first, second = (prior.sample(5, seed=SEED) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = prior.sample(5, seed=tf.constant([0, 2]))
    assert not np.array_equal(first, other)


def test_a_handful_of_latents_is_enough():
    prior = LatentPrior(latent_dim=2).fit(np.eye(2), seed=0)
    assert np.isfinite(prior.sample(10, seed=SEED)).all()
