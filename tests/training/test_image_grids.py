import numpy as np

from ganad_tf.training import image_grids


def test_a_grid_shows_every_image_in_reading_order():
    images = np.stack(
        [np.full([4, 6, 1], value) for value in np.linspace(-1, 1, 5)]
    )
    grid = image_grids.image_grid(images, 3)
    assert grid.shape == (12, 24, 1)
    shown = grid[3::6, 4::8, 0].ravel()
    np.testing.assert_allclose(shown, [0.0, 0.25, 0.5, 0.75, 1.0, 1.0])


def test_residuals_are_amplified_and_mid_gray_where_there_is_none():
    images = np.array([0.0, 0.1, 0.9])
    residuals = image_grids.residual_image(images, np.array([0.0, 0.0, 0.0]))
    gain = image_grids.RESIDUAL_GAIN
    np.testing.assert_allclose(residuals, [0.0, 0.1 * gain, 1.0])
