import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.gan import resizing


@pytest.mark.parametrize(
    ("method", "size"),
    [("bicubic", [32, 48]), ("area", [4, 1]), ("area", [3, 5])],
)
def test_images_are_resized_as_by_tensorflow(method, size):
    images = tf.random.stateless_normal([2, 8, 16, 3], [0, 1])
    resized = tf.function(lambda x: resizing.resize(x, size, method))(images)
    expected = tf.image.resize(images, size, method=method)
    np.testing.assert_allclose(resized, expected, atol=1e-5)
