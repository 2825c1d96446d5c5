import os

import numpy as np
import pytest

from ganad_tf.data import image_cache


def images(count):
    values = np.random.default_rng(0).normal(size=[count, 4, 3, 1])
    return values.astype(np.float32)


def test_images_come_back_in_any_order():
    given, cache = images(9), image_cache.ImageCache(9, (4, 3, 1))
    for row in (7, 0, 3):
        assert cache.get(row).size == 0
        cache.keep(row, given[row])
    for row in (3, 7, 0, 3):
        np.testing.assert_array_equal(cache.get(row), given[row])
    assert cache.get(8).size == 0


def test_no_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(image_cache.tempfile, "tempdir", str(tmp_path))
    cache = image_cache.ImageCache(9, (4, 3, 1))
    cache.keep(0, images(1)[0])
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("written", [0, 5, None])
def test_a_full_disk_costs_time_alone(monkeypatch, written):
    """A write to a full disk fails, or writes a part."""
    cache = image_cache.ImageCache(2, (4, 3, 1))
    cache.keep(0, images(2)[0])

    def write(*_):
        if written is None:
            raise OSError(28, "No space left on device")
        return written

    monkeypatch.setattr(image_cache.os, "pwrite", write)
    cache.keep(1, images(2)[1])
    assert cache.get(1).size == 0
    np.testing.assert_array_equal(cache.get(0), images(2)[0])
