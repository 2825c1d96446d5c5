import numpy as np
import tensorflow as tf
from scipy import stats

from ganad_tf.detector import anomaly_maps
from ganad_tf.detector.conditional_field import ConditionalField


def positive(*shape):
    return np.random.default_rng(0).exponential(size=shape).astype(np.float32)


def test_maps_are_merged_by_the_power_mean_of_scipy():
    maps = positive(2, 3, 4, 5)
    weights = np.arange(1.0, 6.0)
    np.testing.assert_allclose(
        anomaly_maps.merged(tf.constant(maps), weights),
        stats.pmean(maps, anomaly_maps.EXPONENT, axis=-1, weights=weights),
        rtol=1e-4,
    )


def test_the_unit_of_maps_does_not_matter():
    maps = tf.constant(positive(1, 4, 4, 3))
    np.testing.assert_allclose(
        anomaly_maps.merged(7.0 * maps),
        7.0 * anomaly_maps.merged(maps),
        rtol=1e-4,
    )


def test_a_map_of_zeros_does_not_hide_what_others_see():
    maps = positive(1, 4, 4, 5)
    maps[..., 0] = 0.0
    assert np.min(anomaly_maps.merged(tf.constant(maps))) > 0.0


def test_qualified_cells_are_about_1_whatever_their_channels():
    generator = np.random.default_rng(0)
    fields, distances = {}, {}
    for level, channels in (("energies", 3), ("restoration", 12)):
        features = generator.normal(size=(200, 2, 2, channels))
        latents = generator.normal(size=(200, 2))
        fields[level] = ConditionalField(latent_dim=2)
        fields[level].update(features, latents).finish()
        distances[level] = tf.constant(
            fields[level].frechet_distances(features, latents)
        )
    merged = anomaly_maps.field_map(fields, distances)
    assert 0.6 < float(tf.reduce_mean(merged)) < 1.1
