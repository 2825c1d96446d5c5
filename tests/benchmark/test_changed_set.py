import os

import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.benchmark import changed_set
from ganad_tf.data import masks
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError


def names(files):
    return {file.name for file in files}


def test_a_changed_set_has_the_images_that_were_asked_for(
    mvtec_folder, tmp_path
):
    images = changed_set.read_set(mvtec_folder, seed=0)
    assert (len(images.pool), len(images.good)) == (60, 8)
    planted = images.defective[:2]
    changed = changed_set.write_set(
        str(tmp_path / "changed"),
        images.pool[:10] + planted,
        images.good,
        images.defective[2:],
    )
    found = list_images(changed)
    assert [file.part for file in found].count("train") == 12
    assert {changed_set.training_name(f) for f in planted} < names(found)
    defective = [file for file in found if file.label]
    assert len(defective) == 6
    assert all(file.defect_type == "scratch" for file in defective)
    # Each mask is still that of its image.
    for file in defective:
        original = os.path.basename(os.path.realpath(masks.find_mask(file)))
        assert original == os.path.basename(os.path.realpath(file.path))
    again = changed_set.write_set(changed, images.pool[:10], [], [])
    assert list_images(again) == found


def test_the_order_depends_on_the_seed(mvtec_folder):
    first, again, other = (
        changed_set.read_set(mvtec_folder, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again
    assert first.pool != other.pool and names(first.pool) == names(other.pool)


def test_images_of_one_thing_follow_each_other(tmp_path):
    write_images(tmp_path / "train/good", make_parts(60, seed=0))
    write_images(tmp_path / "test/scratch", make_parts(4, seed=1), "bad")
    images = changed_set.read_set(
        str(tmp_path), seed=0, group_by="(part0.|bad)"
    )
    groups = [file.name[-6] for file in images.pool]
    changes = sum(a != b for a, b in zip(groups, groups[1:], strict=False))
    assert len(groups) == 60 and changes == 5


def test_a_set_without_defects_is_an_error(parts_folder):
    with pytest.raises(UserError, match="no defective images"):
        changed_set.read_set(parts_folder, seed=0)
