import keras
import numpy as np
import tensorflow as tf
from conftest import make_parts
from sklearn.decomposition import PCA

from ganad_tf.gan.linear_head import LinearHead


def fitted(latent_dim=5, count=40):
    head = LinearHead(image_size=32, channels=1, latent_dim=latent_dim)
    return head.fit([make_parts(count, seed=0)], seed=0)


def test_projected_images_are_those_of_principal_components():
    generator = np.random.default_rng(0)
    kinds = generator.normal(size=(40, 3)) @ generator.normal(size=(3, 1024))
    pixels = 0.1 * kinds + generator.normal(0, 0.001, (40, 1024)) + 0.2
    images = pixels.astype(np.float32).reshape(40, 32, 32, 1)
    pca = PCA(3, svd_solver="full").fit(pixels)
    expected = pca.inverse_transform(pca.transform(pixels))
    head = LinearHead(image_size=32, channels=1, latent_dim=3)
    head.fit([images], seed=0)
    found = head(head.project(images)).numpy().reshape(40, -1)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_latents_have_unit_variance():
    latents = fitted().project(make_parts(40, seed=0)).numpy()
    np.testing.assert_allclose(np.cov(latents.T), np.eye(5), atol=0.02)


def test_fewer_images_than_components_are_no_error():
    head = fitted(latent_dim=16, count=6)
    images = head(head.project(make_parts(6, seed=0)))
    assert np.isfinite(images).all()
    np.testing.assert_allclose(images, make_parts(6, seed=0), atol=1e-2)


def test_nothing_is_trainable_and_the_configuration_comes_back():
    head = fitted()
    assert not head.trainable_weights and len(head.weights) == 3
    config = keras.saving.serialize_keras_object(head)
    again = keras.saving.deserialize_keras_object(config)
    assert again.latent_dim == 5
    assert again(tf.zeros([2, 5])).shape == [2, 32, 32, 1]
