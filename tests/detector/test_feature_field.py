import numpy as np
import tensorflow as tf

from ganad_tf.detector.band_energies import band_energies
from ganad_tf.detector.feature_field import CELL_SIZE
from ganad_tf.detector.feature_field import LEVELS
from ganad_tf.detector.feature_field import FeatureField
from ganad_tf.gan.unet_discriminator import build_unet_discriminator


def made(size=(32, 48)):
    unet = build_unet_discriminator(channels=1, width=8)
    return FeatureField(unet, image_size=size, latent_dim=2)


def images(count, size=(32, 48)):
    noise = np.random.default_rng(0).normal(0.0, 0.3, [count, *size, 1])
    return tf.constant(noise, tf.float32)


def fitted():
    field = made()
    latents = np.random.default_rng(1).normal(size=(24, 5)).astype(np.float32)
    features = field.describe(images(24)).features
    for level, statistics in field.fields_.items():
        statistics.update(features[level].numpy(), latents[:, :2]).finish()
    return field, features, tf.constant(latents)


def test_cells_cover_the_image():
    field = made()
    features = field.describe(images(3)).features
    assert list(features) == list(LEVELS)
    for level in features.values():
        assert level.shape[:3] == (3, 32 // CELL_SIZE, 48 // CELL_SIZE)


def test_cells_are_means_of_their_features():
    field = made()
    outputs = field.unet(images(2), training=False)
    reference = outputs["discriminator/encoder_8"].numpy()
    reference = reference.reshape(2, 2, 2, 3, 2, -1).mean(axis=(2, 4))
    np.testing.assert_allclose(
        field.describe(images(2)).features["discriminator_coarse"],
        reference,
        atol=1e-5,
    )


def test_tensorflow_gives_the_distances_of_numpy():
    field, features, latents = fitted()
    distances = field.frechet_distances(features, latents)
    for level, statistics in field.fields_.items():
        expected = statistics.frechet_distances(
            features[level].numpy(), latents.numpy()[:, :2]
        )
        np.testing.assert_allclose(distances[level], expected, rtol=1e-3)


def test_new_statistics_leave_the_fitted_ones():
    field, _, _ = fitted()
    new = field.new_fields(first_image=3).values()
    assert all(hasattr(f, "coefficients_") for f in field.fields_.values())
    assert not any(hasattr(f, "coefficients_") for f in new)
    assert {f.first_image for f in new} == {3}


def test_the_configuration_makes_the_same_field():
    field = made()
    again = FeatureField(field.unet, **field.get_config())
    assert again.image_size == (32, 48)
    assert again.latent_dim == 2


def test_contrast_does_not_count_where_features_are_relative():
    field = made()
    strong, weak = (
        field.describe(scale * images(2)).features["discriminator_relative"]
        for scale in (2.0, 1.0)
    )
    plain, other = (
        field.describe(scale * images(2)).features["discriminator_fine"]
        for scale in (2.0, 1.0)
    )
    change = tf.reduce_mean(tf.abs(strong - weak)) / tf.reduce_mean(abs(weak))
    assert float(change) < 0.05
    assert np.abs(plain - other).max() > 0.0


def test_cells_of_the_verdict_hold_mean_and_largest_logit():
    field = made()
    outputs = field.unet(images(2), training=False)
    logits = outputs["restorer/logits"].numpy()
    cells = logits.reshape(2, 2, 16, 3, 16)
    verdict = field.describe(images(2)).features["restorer_verdict"]
    np.testing.assert_allclose(
        verdict[..., 0], cells.mean(axis=(2, 4)), atol=1e-5
    )
    np.testing.assert_allclose(
        verdict[..., 1], cells.max(axis=(2, 4)), atol=1e-5
    )


def test_cells_of_energies_hold_means_and_peaks_and_the_brightness():
    field = made()
    bands = band_energies(images(2))
    energies = field.describe(images(2)).features["energies"]
    assert energies.shape == (2, 2, 3, 4 * 2 * 8 + 1)
    finest = bands["energies_0"].numpy().reshape(2, 2, 4, 3, 4, 8)
    np.testing.assert_allclose(
        energies[..., :8], finest.mean(axis=(2, 4)), atol=1e-5
    )
    np.testing.assert_allclose(
        energies[..., 8:16], finest.max(axis=(2, 4)), atol=1e-5
    )
    np.testing.assert_array_equal(energies[..., -1:], bands["brightness"])


def test_the_view_shows_the_restored_images():
    field = made()
    view = field.describe(images(2))
    restored = field.unet(images(2), training=False)["restored"].numpy()
    np.testing.assert_array_equal(view.restored, restored)
    residuals = np.abs(images(2) - restored).reshape(2, 2, 16, 3, 16)
    np.testing.assert_allclose(
        view.features["restoration"][..., 0],
        residuals.mean(axis=(2, 4)),
        atol=1e-5,
    )
