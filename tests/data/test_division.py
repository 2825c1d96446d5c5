import pytest

from ganad_tf.data import division
from ganad_tf.data.listing import ImageFile


def files_of(name, count):
    return [
        ImageFile(f"{name}{n}", f"{name}{n}", 0, "good", "pool", f"{name}{n}")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "flat", "mvtec"),
    [
        (5, (3, 1, 1), (4, 1)),
        (10, (6, 3, 1), (6, 4)),
        (15, (9, 4, 2), (11, 4)),
        (20, (12, 4, 4), (15, 5)),
        (40, (24, 8, 8), (30, 10)),
    ],
)
def test_of_few_images_enough_calibrate(count, flat, mvtec):
    files = files_of("a", count)
    things = {file.digest: file.digest for file in files}
    parts = division.cut(files, (0.6, 0.8), 0, things)
    assert tuple(map(len, parts)) == flat
    parts = division.cut(files, (0.75, 1.0), 0, things)
    assert tuple(map(len, parts)) == (*mvtec, 0)
    assert sorted(file for part in parts for file in part) == sorted(files)


def test_a_limit_of_few_images_leaves_enough_to_calibrate():
    lists = files_of("a", 24), files_of("b", 8)
    assert division.limit(*lists, None) == lists
    train, calibration = division.limit(*lists, 10)
    assert (len(train), len(calibration)) == (6, 4)
    train, calibration = division.limit(*lists, 20)
    assert (len(train), len(calibration)) == (15, 5)
