import errno
import os

import numpy as np
import pytest

from ganad_tf.evaluation.picture_file import MAX_SIDE
from ganad_tf.evaluation.picture_file import PictureFile


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_come_back_as_they_were_written(channels):
    generator = np.random.default_rng(0)
    images = generator.normal(size=[5, 6, 4, channels]).astype(np.float32)
    reconstructions = images[::-1]
    maps = generator.normal(size=[5, 6, 4]).astype(np.float32)
    pictures = PictureFile((6, 4, channels))
    for rows in (slice(3), slice(3, None)):
        pictures.append(images[rows], reconstructions[rows], maps[rows])
    for row in range(5):
        picture = pictures[row]
        np.testing.assert_array_equal(picture.image, images[row])
        np.testing.assert_array_equal(
            picture.reconstruction, reconstructions[row]
        )
        np.testing.assert_array_equal(picture.anomaly_map, maps[row])


def resident_file_pages():
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("RssFile"))
    return 1024 * int(line.split()[1])


def test_pictures_on_disk_take_no_memory_of_the_process():
    """Pages of a mapped file would count as its own."""
    pictures = PictureFile((256, 256, 1))
    images = np.ones([8, 256, 256, 1], np.float32)
    pictures.append(images, images, images[..., 0])
    before = resident_file_pages()
    for _ in range(31):
        pictures.append(images, images, images[..., 0])
    written = 31 * 3 * images.nbytes
    assert resident_file_pages() - before < 0.1 * written


def test_a_full_disk_is_an_error_of_the_system(monkeypatch):
    """A mapped file would end the process by a signal."""
    pictures = PictureFile((6, 4, 1))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        pictures.append(*[np.zeros([1, 6, 4, 1])] * 2, np.zeros([1, 6, 4]))


@pytest.mark.parametrize("side", [MAX_SIDE, MAX_SIDE + 1, 2 * MAX_SIDE + 1])
def test_no_side_is_longer_than_the_report_shows(side):
    maps = np.broadcast_to(np.arange(side, dtype=np.float32), [1, 3, side])
    pictures = PictureFile((3, side, 1))
    pictures.append(maps[..., None], maps[..., None], maps)
    image, reconstruction, anomaly_map = pictures[0]
    step = -(-side // MAX_SIDE)
    np.testing.assert_array_equal(anomaly_map, maps[0, ::step, ::step])
    np.testing.assert_array_equal(image[..., 0], anomaly_map)
    np.testing.assert_array_equal(reconstruction, image)
    assert anomaly_map.shape[1] <= MAX_SIDE
