import collections

import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.data import dataset
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError
from ganad_tf.production import new_files


def choose(folder, **changes):
    arguments = {
        "marks_path": None,
        "group_by": None,
        "trained": (),
        "seed": 0,
    }
    return new_files.choose_files(str(folder), **{**arguments, **changes})


def exposures(folder, count):
    """Three exposures of each of so many parts."""
    for number, noise in enumerate(make_parts(3, seed=9)):
        parts = make_parts(count, seed=1) + 0.01 * noise
        write_images(folder, parts, prefix=f"shot{number}_")
    return folder


def test_what_the_networks_were_trained_with_is_left_out(tmp_path, caplog):
    write_images(tmp_path, make_parts(6, seed=0))
    scanned = dataset.scan_images(list_images(str(tmp_path)))
    trained = {file.digest for file in scanned[:2]}
    with caplog.at_level("WARNING", logger="absl"):
        found = choose(tmp_path, trained=trained)
    assert found.drawn == scanned[2:]
    assert found.facts["num_trained_left_out"] == 2
    assert "Left out 2 images" in caplog.text
    with pytest.raises(UserError, match="No image .* nobody trained with"):
        choose(tmp_path, trained={file.digest for file in scanned})


def test_images_of_one_thing_count_as_one(tmp_path):
    found = choose(exposures(tmp_path, 8), group_by="shot._([0-9]+)")
    groups = [file.group for file in found.drawn]
    assert len(groups) == len(set(groups)) == 8 and len(found.spare) == 16
    again = choose(tmp_path, group_by="shot._([0-9]+)")
    assert again.drawn == found.drawn


def test_a_thing_calibrates_or_is_reference(tmp_path):
    found = choose(exposures(tmp_path, 8), group_by="shot._([0-9]+)")
    reference, calibration = found.divided(0, least=6)
    assert len(calibration) == 2 and set(calibration) < set(found.drawn)
    counts = collections.Counter(file.group for file in reference)
    assert set(counts.values()) == {3} and len(counts) == 6
    assert not {file.group for file in calibration} & set(counts)
    with pytest.raises(UserError, match="at least 7 .*Received: 8 in all"):
        found.divided(0, least=7)


def test_near_copies_are_told(tmp_path, caplog):
    with caplog.at_level("WARNING", logger="absl"):
        found = choose(exposures(tmp_path, 8))
    assert len(found.drawn) == 24
    assert found.facts["num_near_copies"] == 24  # three pairs of each part
    first = found.facts["near_copies"][0]["names"]
    assert first[0][-7:] == first[1][-7:]
    assert "near-copies" in caplog.text and "--group_by" in caplog.text


def test_images_in_no_folder_are_warned_of(tmp_path, caplog):
    write_images(tmp_path, make_parts(3, seed=0))
    with caplog.at_level("WARNING", logger="absl"):
        found = choose(tmp_path, group_by="folder")
    assert len(found.drawn) == 3 and "3 images are in no group" in caplog.text
