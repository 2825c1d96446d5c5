import numpy as np
import pytest
import tensorflow as tf
from conftest import fitted_detector
from conftest import make_parts


@pytest.fixture(scope="module")
def images():
    return tf.constant(make_parts(5, seed=4))


def test_descriptors_are_displacements_from_the_linear_projection(
    parts_detector, images
):
    gan = parts_detector.gan
    inverted = parts_detector.image_inverter.invert(images)
    expected = gan.project(images) - inverted.latents
    np.testing.assert_allclose(inverted.descriptors, expected, atol=1e-4)
    np.testing.assert_allclose(
        inverted.reconstructions, gan.generate(inverted.latents), atol=1e-5
    )


def test_descriptors_of_the_plain_dcgan_are_its_latents(images):
    made = fitted_detector(method="paper")
    inverted = made.image_inverter.invert(images)
    np.testing.assert_array_equal(inverted.descriptors, inverted.latents)


def test_generated_images_have_descriptors_too(parts_detector):
    drawn = [
        parts_detector.image_inverter.descriptors_of_generated(
            7, seed=[0, number]
        ).numpy()
        for number in (1, 1, 2)
    ]
    assert drawn[0].shape == (7, 6)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.allclose(drawn[0], drawn[2])
