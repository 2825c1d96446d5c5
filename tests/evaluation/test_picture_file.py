import numpy as np
import pytest

from ganad_tf.evaluation.picture_file import MAX_SIDE
from ganad_tf.evaluation.picture_file import PictureFile


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_come_back_as_they_were_written(channels):
    generator = np.random.default_rng(0)
    images = generator.normal(size=[5, 6, 4, channels]).astype(np.float32)
    maps = generator.normal(size=[5, 6, 4]).astype(np.float32)
    pictures = PictureFile(5, (6, 4, channels))
    pictures.append(images[:3], maps[:3])
    pictures.append(images[3:], maps[3:])
    for row in range(5):
        np.testing.assert_array_equal(pictures[row].reconstruction, images[row])
        np.testing.assert_array_equal(pictures[row].anomaly_map, maps[row])


@pytest.mark.parametrize("side", [MAX_SIDE, MAX_SIDE + 1, 2 * MAX_SIDE + 1])
def test_no_side_is_longer_than_the_report_shows(side):
    maps = np.broadcast_to(np.arange(side, dtype=np.float32), [1, 3, side])
    pictures = PictureFile(1, (3, side, 1))
    pictures.append(maps[..., None], maps)
    picture = pictures[0]
    assert picture.anomaly_map.shape[1] <= MAX_SIDE
    assert picture.reconstruction.shape[:2] == picture.anomaly_map.shape
    np.testing.assert_array_equal(
        picture.anomaly_map, pictures.reduced(maps)[0]
    )
