import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.data.tiles import TileGrid
from ganad_tf.data.tiles import fitting_side


@pytest.fixture
def images():
    noise = np.random.default_rng(0).normal(size=(2, 48, 80, 3))
    return tf.constant(noise, tf.float32)


def test_tiles_are_the_images_squares(images):
    tiles = TileGrid(48, 80, tile_size=32, stride=8).split(images)
    assert tiles.shape == [2, 3, 7, 32, 32, 3]
    np.testing.assert_array_equal(tiles[1, 2, 3], images[1, 16:48, 24:56])


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_stitched_tiles_are_the_images_again(stride):
    noise = np.random.default_rng(0).normal(size=(2, 64, 96, 1))
    grid = TileGrid(64, 96, tile_size=32, stride=stride)
    found = grid.stitch(grid.split(tf.constant(noise, tf.float32)))
    np.testing.assert_allclose(found, noise, atol=1e-5)


def test_no_seam_shows_between_tiles_that_differ():
    grid = TileGrid(32, 64, tile_size=32, stride=16)
    tiles = tf.concat(
        [tf.fill([1, 1, 1, 32, 32, 1], v) for v in (0.0, 1.0, 2.0)], axis=2
    )
    row = grid.stitch(tiles)[0, 16, :, 0].numpy()
    assert np.abs(np.diff(row)).max() < 0.13  # two weights of 16 px
    assert row[0] == 0.0 and row[-1] == 2.0


def test_one_tile_is_the_whole_image():
    assert TileGrid(32, 32, tile_size=32, stride=32).is_whole
    assert not TileGrid(32, 64, tile_size=32, stride=32).is_whole


@pytest.mark.parametrize("side", [10, 32, 100, 2000])
def test_a_fitting_side_is_covered_and_near(side):
    found = fitting_side(side, tile_size=32, stride=16)
    TileGrid(found, 32, tile_size=32, stride=16)
    assert found >= 32 and abs(found - max(side, 32)) <= 8


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="width=50"):
        TileGrid(64, 50, tile_size=32, stride=16)
    with pytest.raises(ValueError, match="stride=40"):
        TileGrid(64, 64, tile_size=32, stride=40)


def test_the_configuration_makes_the_same_grid():
    grid = TileGrid(64, 96, tile_size=32, stride=16)
    assert TileGrid(**grid.get_config()).get_config() == grid.get_config()
