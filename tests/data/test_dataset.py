import shutil

import numpy as np
import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.data import dataset
from ganad_tf.errors import UserError


def split_of(folder, seed=0, **options):
    files = dataset.scan_images(dataset.list_images(folder))
    return dataset.split_images(files, seed=seed, **options)


def names(files):
    return [file.name for file in files]


def test_a_plain_folder_is_cut_60_20_20(parts_folder):
    split = split_of(parts_folder)
    sizes = [len(part) for part in split[:3]]
    assert sizes == [24, 8, 8]
    every = names(split.train + split.calibration + split.test_qualified)
    assert sorted(every) == sorted(set(every)) and len(every) == 40


def test_fewer_images_are_those_of_the_full_split(parts_folder):
    full = split_of(parts_folder)
    few = split_of(parts_folder, max_images=24)
    assert [len(part) for part in few[:3]] == [18, 6, 8]
    assert set(few.train) < set(full.train)
    assert set(few.calibration) < set(full.calibration)
    assert few.test == full.test


def test_an_mvtec_folder_keeps_its_test_part(mvtec_folder):
    split = split_of(mvtec_folder)
    assert [len(part) for part in split] == [45, 15, 8, 8, 5, 0]
    assert {file.defect_type for file in split.test_defective} == {"scratch"}
    assert [file.label for file in split.test] == [0] * 8 + [1] * 8


def test_the_split_depends_on_content_and_seed_alone(parts_folder, tmp_path):
    split = split_of(parts_folder)
    moved = tmp_path / "moved"
    shutil.copytree(parts_folder, moved)
    assert names(split_of(str(moved)).train) == names(split.train)
    assert names(split_of(parts_folder, seed=1).train) != names(split.train)


def test_copies_stay_on_one_side(parts_folder):
    for file in dataset.list_images(parts_folder):
        shutil.copy(file.path, f"{parts_folder}/copy-{file.name}")
    split = split_of(parts_folder)
    digests = [{file.digest for file in part} for part in split[:3]]
    assert not (digests[0] & digests[1] or digests[0] & digests[2])
    assert [len(part) for part in split[:3]] == [48, 16, 16]


def test_a_copy_of_a_training_image_is_not_tested(mvtec_folder):
    one = f"{mvtec_folder}/train/good/part000.png"
    shutil.copy(one, f"{mvtec_folder}/test/good/copy.png")
    assert "test/good/copy.png" not in names(split_of(mvtec_folder).test)


def test_bad_files_are_skipped_with_a_reason(parts_folder):
    with open(f"{parts_folder}/bad.png", "w") as file:
        file.write("text")
    with open(f"{parts_folder}/moving.gif", "wb") as file:
        file.write(b"GIF89a")
    split = split_of(parts_folder)
    reasons = {file.name: file.status for file in split.unreadable}
    assert set(reasons) == {"bad.png", "moving.gif"}
    assert "not an image" in reasons["bad.png"]
    assert len(split.train) == 24


def test_too_few_images_are_an_error_that_names_a_bad_one(tmp_path):
    write_images(tmp_path, make_parts(12, seed=0))
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(UserError, match="received 12.*bad.png: empty file"):
        split_of(str(tmp_path))


def test_a_saved_split_comes_back(mvtec_folder, tmp_path):
    split = split_of(mvtec_folder)
    dataset.save_split(split, str(tmp_path), data=mvtec_folder, seed=0)
    assert dataset.load_split(mvtec_folder, str(tmp_path)) == split


def test_a_changed_image_is_an_error(mvtec_folder, tmp_path):
    split = split_of(mvtec_folder)
    dataset.save_split(split, str(tmp_path), data=mvtec_folder, seed=0)
    shutil.copy(split.train[0].path, split.calibration[0].path)
    lost = split.calibration[0].name
    with pytest.raises(UserError, match=f"1 images .*{lost}"):
        dataset.load_split(mvtec_folder, str(tmp_path))


def test_masks_are_found_beside_the_test(mvtec_folder):
    split = split_of(mvtec_folder)
    # write_images names masks like the images, without "_mask".
    mask = dataset.load_mask(split.test_defective[0], image_size=32)
    assert mask.sum() == 49 and mask[20, 4]
    assert dataset.load_mask(split.test_qualified[0], image_size=32) is None
    assert mask.dtype == np.bool_
