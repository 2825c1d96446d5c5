import numpy as np
import pytest
from conftest import TILED
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images

from ganad_tf.data import image_tensors
from ganad_tf.training import sample_images


@pytest.fixture
def sample(tmp_path):
    write_images(tmp_path, make_parts(6, seed=0))
    return sample_images.SampleImages(sorted(map(str, tmp_path.iterdir())))


@pytest.fixture
def loaded(monkeypatch):
    """Numbers of files that were loaded, by call."""
    counts = []
    load = image_tensors.load_images

    def counted(paths, **arguments):
        counts.append(len(paths))
        return load(paths, **arguments)

    monkeypatch.setattr(image_tensors, "load_images", counted)
    return counts


def test_images_are_loaded_once_for_all_who_ask(sample, loaded):
    size = {"image_size": 16, "channels": 1}
    many = sample.resized(5, **size)
    few = sample.resized(2, **size)
    assert loaded == [5]
    np.testing.assert_array_equal(many[:2], few)
    assert sample.resized(9, **size).shape == (6, 16, 16, 1)
    assert sample.resized(6, image_size=32, channels=3).shape[1:] == (32, 32, 3)
    assert loaded == [5, 6, 6]


def test_forgotten_images_are_loaded_again(sample, loaded):
    first = sample.resized(3, image_size=16, channels=1).copy()
    sample.forget()
    again = sample.resized(3, image_size=16, channels=1)
    assert loaded == [3, 3]
    np.testing.assert_array_equal(first, again)


def test_networks_see_whole_images_or_the_centre_of_tiled_ones(sample):
    whole = sample.as_network_images(tiny_config(), 4)
    assert whole.shape == (4, 32, 32, 1)
    tile = sample.as_network_images(tiny_config(**TILED), 4)
    np.testing.assert_array_equal(tile, whole[:, 8:24, 8:24])


@pytest.mark.parametrize("changes", [{}, TILED])
def test_no_files_are_no_images(changes):
    sample = sample_images.SampleImages([])
    config = tiny_config(**changes)
    shape = (0, config.image_size, config.image_size, 1)
    assert sample.as_network_images(config, 4).shape == shape


def test_mirror_images_stand_behind_the_given_ones():
    parts = make_parts(3, seed=0)
    mirrored = sample_images.with_mirror_images(
        parts, left_right=True, up_down=True
    )
    assert len(mirrored) == 12
    np.testing.assert_array_equal(mirrored[:3], parts)
    np.testing.assert_array_equal(mirrored[3:6], parts[:, :, ::-1])
    np.testing.assert_array_equal(mirrored[9:], parts[:, ::-1, ::-1])
