import csv
import os

import pytest
from inspected import IMAGE
from inspected import outputs

pytest.importorskip("apache_beam")

from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.bulk.shard_maps import ShardMaps


@pytest.fixture
def files(tmp_path):
    return ShardFiles(str(tmp_path / "maps"), 4)


def save(files, threshold, peaks):
    maps = ShardMaps(files, 2, threshold)
    for name, peak in peaks.items():
        maps.save(name, IMAGE, outputs(peak))
    maps.finish()


def test_a_repeated_shard_leaves_each_picture_and_region_once(files):
    for _ in range(2):
        save(files, 5.0, {"a/b.png": 170, "a_b.png": 17, "e\udcff\n.png": 255})
    names = sorted(os.listdir(files.folder))
    assert len(names) == 4 and names[-1] == "regions-00002-of-00004.csv"
    path = files.path(2, "regions.csv")
    with open(path, newline="", errors="surrogateescape") as file:
        rows = list(csv.DictReader(file))
    assert [(row["path"], row["peak"]) for row in rows] == [
        ("a/b.png", "10"),
        ("e\udcff\n.png", "15"),
    ]


def test_a_model_without_a_threshold_gives_no_regions(files):
    save(files, None, {"a.png": 255})
    (name,) = os.listdir(files.folder)
    assert name.startswith("a.png-") and name.endswith(".png")
