import numpy as np
import pytest
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


def test_networks_see_images_of_the_configurations_size(sample):
    images = sample.as_network_images(tiny_config(image_size=16), 4)
    expected = sample.resized(4, image_size=16, channels=1)
    np.testing.assert_array_equal(images, expected)


def test_no_files_are_no_images():
    sample = sample_images.SampleImages([])
    images = sample.as_network_images(tiny_config(), 4)
    assert images.shape == (0, 32, 32, 1)


def test_mirror_images_stand_behind_the_given_ones():
    parts = make_parts(3, seed=0)
    mirrored = sample_images.with_mirror_images(
        parts, left_right=True, up_down=True
    )
    assert len(mirrored) == 12
    np.testing.assert_array_equal(mirrored[:3], parts)
    np.testing.assert_array_equal(mirrored[3:6], parts[:, :, ::-1])
    np.testing.assert_array_equal(mirrored[9:], parts[:, ::-1, ::-1])
