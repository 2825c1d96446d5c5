import numpy as np
import tensorflow as tf
from conftest import make_parts

from ganad_tf.data import augmentation

IMAGE = make_parts(1, seed=0)[0]
OFF = {
    "horizontal_flip": False,
    "vertical_flip": False,
    "max_shift": 0,
    "crop_size": None,
}


def draw(seed, **changes):
    changes = {**OFF, **changes}
    return augmentation.augmented(tf.constant(IMAGE), [0, seed], **changes)


def test_equal_seeds_give_equal_images():
    everything = {
        "horizontal_flip": True,
        "vertical_flip": True,
        "max_shift": 3,
        "crop_size": 16,
    }
    images = [draw(seed, **everything).numpy() for seed in (1, 1, 2)]
    assert images[0].shape == (16, 16, 1)
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_brightness_alone_changes_by_some_percent():
    gains = [
        np.median((draw(seed).numpy() + 1) / (IMAGE + 1)) for seed in range(9)
    ]
    assert 0.005 < np.std(gains) < 0.05 and abs(np.mean(gains) - 1) < 0.05
