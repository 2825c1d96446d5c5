import shutil

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
    assert [len(part) for part in split] == [45, 15, 8, 8, 5, 0, 0]
    assert {file.defect_type for file in split.test_defective} == {"scratch"}
    assert [file.label for file in split.test] == [0] * 8 + [1] * 8


def test_the_split_depends_on_content_and_seed_alone(parts_folder, tmp_path):
    split = split_of(parts_folder)
    moved = tmp_path / "moved"
    shutil.copytree(parts_folder, moved)
    assert names(split_of(str(moved)).train) == names(split.train)
    assert names(split_of(parts_folder, seed=1).train) != names(split.train)


def test_copies_count_once(parts_folder, tmp_path):
    before = split_of(parts_folder)
    for file in dataset.list_images(parts_folder):
        shutil.copy(file.path, f"{parts_folder}/z-copy-{file.name}")
    split = split_of(parts_folder)
    assert split[:3] == before[:3]
    assert len(split.unused) == 40
    assert split.unused[0].status == "copy of part000.png"
    dataset.save_split(split, str(tmp_path), data=parts_folder, seed=0)
    loaded = dataset.load_split(parts_folder, str(tmp_path))
    assert loaded[:6] == split[:6]
    assert names(loaded.unused) == names(split.unused)


def test_25_files_with_5_contents_are_5_images(tmp_path):
    write_images(tmp_path, make_parts(5, seed=0).repeat(5, axis=0))
    with pytest.raises(UserError, match="received 5$"):
        split_of(str(tmp_path))


@pytest.fixture
def exposures(tmp_path):
    """20 tiles with one to five exposures each, by the number of the tile."""
    folder = tmp_path / "exposures"
    for tile in range(20):
        images = make_parts(1 + tile % 5, seed=tile)
        write_images(folder, images, prefix=f"tile{tile:02d}_")
    return str(folder)


def test_images_of_one_group_have_one_role(exposures):
    split = split_of(exposures, group_by=r"(tile\d+)_")
    groups = [{file.group for file in part} for part in split[:3]]
    assert [len(part) for part in groups] == [12, 4, 4]
    assert len(set.union(*groups)) == 20
    # One image of each calibration group, all of the others.
    assert len(split.calibration) == 4
    spare = [f for f in split.unused if f.status.startswith("in a group with")]
    assert {file.group for file in spare} <= groups[1]
    used = names(split.train + split.calibration + split.test + split.unused)
    assert sorted(used) == names(dataset.list_images(exposures))
    other = split_of(exposures, seed=1, group_by=r"(tile\d+)_")
    assert {f.group for f in other.calibration} != groups[1]


def test_groups_come_back_with_the_split(exposures, tmp_path):
    split = split_of(exposures, group_by=r"(tile\d+)_")
    facts = {"group_by": r"(tile\d+)_"}
    dataset.save_split(split, str(tmp_path), data=exposures, seed=0, **facts)
    assert dataset.load_split(exposures, str(tmp_path))[:6] == split[:6]
    assert dataset.read_facts(str(tmp_path), "group_by", "other") == {
        **facts,
        "other": None,
    }


def test_a_split_by_groups_depends_on_contents_alone(exposures, tmp_path):
    split = split_of(exposures, group_by=r"(tile\d+)_")
    moved = tmp_path / "moved"
    for file in dataset.list_images(exposures):
        folder = moved / f"x{hash(file.name[:6]) % 997}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.path, folder / file.name)
    again = split_of(str(moved), group_by=r"(tile\d+)_")
    for part, other in zip(split[:3], again[:3], strict=True):
        assert {f.digest for f in part} == {f.digest for f in other}


def test_tests_of_a_group_that_was_trained_are_not_used(mvtec_folder):
    for row in range(4):
        one = f"{mvtec_folder}/train/good/part00{row}.png"
        shutil.move(one, f"{mvtec_folder}/train/good/board{row}-0.png")
        two = f"{mvtec_folder}/test/scratch/part00{row}.png"
        shutil.move(two, f"{mvtec_folder}/test/scratch/board{row}-1.png")
    by = r"(board\d|[^/]+/[^/]+/part\d+)"
    split = split_of(mvtec_folder, group_by=by)
    assert len(split.test_defective) == 4
    assert [f.name[:18] for f in split.unused] == ["test/scratch/board"] * 4


def test_too_few_groups_are_an_error(mvtec_folder):
    with pytest.raises(UserError, match="Too few groups.*received 1.*group_by"):
        split_of(mvtec_folder, group_by="folder")


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
    write_images(tmp_path, make_parts(9, seed=0))
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(UserError, match="received 9.*bad.png: empty file"):
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
