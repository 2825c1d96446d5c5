import numpy as np

from ganad_tf.detector import regions
from ganad_tf.detector.regions import Region
from ganad_tf.detector.regions import find_regions


def test_regions_are_connected_and_the_highest_comes_first():
    anomaly_map = np.zeros([12, 20])
    anomaly_map[1:3, 2:6] = 2.0
    anomaly_map[3, 6] = 4.0  # touches at a corner
    anomaly_map[9:11, 15:18] = [[5.0, 3.0, 3.0], [3.0, 3.0, 1.0]]
    found = find_regions(anomaly_map, 1.5)
    assert found == [
        Region(5, 9, 15, 2, 3, 5.0, 3.4),
        Region(9, 1, 2, 3, 5, 4.0, 20.0 / 9.0),
    ]


def test_a_map_below_the_threshold_has_no_region():
    assert find_regions(np.ones([4, 4]), 1.1) == []
    assert len(find_regions(np.ones([4, 4]), 1.0)) == 1


def test_areas_add_up_to_the_pixels_above():
    anomaly_map = np.random.default_rng(0).normal(size=[40, 30])
    found = find_regions(anomaly_map, 1.0)
    assert sum(region.area for region in found) == (anomaly_map >= 1.0).sum()
    assert all(r.peak >= r.mean >= 1.0 for r in found)


def test_the_table_has_a_row_for_each_region():
    rows = regions.to_csv(
        [("a.png", []), ("b.png", [Region(4, 1, 2, 2, 2, 3.0, 2.5)])]
    ).splitlines()
    assert rows == [
        "path,area,top,left,height,width,peak,mean",
        "b.png,4,1,2,2,2,3,2.5",
    ]
