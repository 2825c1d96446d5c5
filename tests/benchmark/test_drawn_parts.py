import numpy as np

from ganad_tf.benchmark import drawn_parts
from ganad_tf.data import dataset


def test_a_seed_fixes_the_parts():
    first, same, other = (
        drawn_parts.make_parts(3, seed=seed, size=40, channels=3)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert first.shape == (3, 40, 40, 3) and np.abs(first - other).max() > 0
    assert np.abs(first).max() <= 1


def test_a_scratch_changes_its_own_pixels_alone():
    parts = drawn_parts.make_parts(2, seed=0)
    changed = drawn_parts.scratch(parts) != parts
    assert changed.sum() == changed[:, 20:27, 4:11].sum() > 0


def test_the_folder_has_every_role(tmp_path):
    folder = drawn_parts.write_mvtec(tmp_path / "product")
    files = dataset.scan_images(dataset.list_images(folder))
    split = dataset.split_images(files, seed=0)
    assert len(split.train) + len(split.calibration) == 60
    assert len(split.test_qualified) == len(split.test_defective) == 8
