import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.data import image_files
from ganad_tf.data import listing
from ganad_tf.errors import UserError


def test_data_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UserError, match="There is no folder"):
        listing.list_images(str(tmp_path / "none"))
    with pytest.raises(UserError, match="There is no image"):
        listing.list_images(str(tmp_path))
    with pytest.raises(UserError, match="elpv:mono or elpv:poly"):
        listing.list_images("elpv:other")


def test_solar_cells_are_those_that_are_sure():
    for kind, qualified, defective in (("mono", 588, 313), ("poly", 920, 402)):
        labels = [file.label for file in listing.list_images(f"elpv:{kind}")]
        assert [labels.count(0), labels.count(1)] == [qualified, defective]


def test_hidden_files_and_other_files_are_not_listed(tmp_path):
    write_images(tmp_path / "deep" / "er", make_parts(2, seed=0))
    write_images(tmp_path / ".hidden", make_parts(1, seed=0))
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "moving.gif").write_bytes(b"GIF89a")
    names = [file.name for file in listing.list_images(str(tmp_path))]
    assert names == [
        "deep/er/part000.png",
        "deep/er/part001.png",
        "moving.gif",
    ]


def test_an_mvtec_folder_says_parts_and_defect_types(mvtec_folder):
    files = listing.list_images(mvtec_folder)
    kinds = {(file.part, file.defect_type, file.label) for file in files}
    assert kinds == {
        ("train", "good", 0),
        ("test", "good", 0),
        ("test", "scratch", 1),
        ("control", "good", 0),
    }


def test_a_hidden_folder_is_no_defect_type(mvtec_folder):
    for part in ("train/good", "test", "control"):
        folder = f"{mvtec_folder}/{part}/.thumbnails"
        write_images(folder, make_parts(2, seed=9))
    files = listing.list_images(mvtec_folder)
    assert not [file.name for file in files if "/." in file.name]
    assert {file.defect_type for file in files} == {"good", "scratch"}


def test_a_folder_anywhere_is_listed_as_one_here(mvtec_folder):
    address = f"file://{mvtec_folder}"
    here, there = map(listing.list_images, (mvtec_folder, address))
    assert [file._replace(path="") for file in here] == [
        file._replace(path="") for file in there
    ]
    assert all(file.path == f"{address}/{file.name}" for file in there)
    for one, other in zip(here, there, strict=True):
        assert image_files.read_file(one.path) == image_files.read_file(
            other.path
        )
    with pytest.raises(UserError, match="There is no folder"):
        listing.list_images(f"{address}/none")
