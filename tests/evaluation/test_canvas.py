import io

import numpy as np
from PIL import Image

from ganad_tf.evaluation import canvas


def test_a_figure_has_100_pixels_an_inch_and_equal_bytes_each_time():
    first, second = (
        canvas.encode_png(canvas.new_figure(2.0, 1.5)) for _ in range(2)
    )
    assert Image.open(io.BytesIO(first)).size == (200, 150)
    assert first == second


def test_gray_and_rgb_images_become_rgb():
    gray = canvas.displayable(np.array([[[-1.0], [0.0], [3.0]]]))
    np.testing.assert_array_equal(gray[0, :, 1], [0.0, 0.5, 1.0])
    rgb = np.random.default_rng(0).uniform(-1.0, 1.0, [4, 4, 3])
    np.testing.assert_allclose(canvas.displayable(rgb), (rgb + 1.0) / 2.0)
