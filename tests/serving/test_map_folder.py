import csv
import io
import os

import numpy as np
import pytest
from inspected import IMAGE
from inspected import outputs
from PIL import Image

from ganad_tf.serving import map_folder


def regions(folder):
    with open(os.path.join(folder, "regions.csv"), newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "maps")


def test_pictures_and_regions_are_saved(folder):
    maps = map_folder.MapFolder(folder, 5.0)
    for name, peak in (("a/b.png", 170), ("a/c.png", 17), ("a/d.png", 255)):
        maps.save(name, IMAGE, outputs(peak))
    assert sorted(os.listdir(folder)) == [
        "a_b.png.png",
        "a_c.png.png",
        "a_d.png.png",
        "regions.csv",
    ]
    rows = regions(folder)
    assert [(row["path"], row["peak"]) for row in rows] == [
        ("a/b.png", "10"),
        ("a/d.png", "15"),
    ]
    assert [rows[0][key] for key in ("area", "top", "left")] == ["6", "2", "4"]


def test_an_interrupted_run_keeps_the_regions_of_its_rows(folder):
    for name in ("a.png", "b\n.png"):
        map_folder.MapFolder(folder, 5.0).save(name, IMAGE, outputs(255))
    maps = map_folder.MapFolder(folder, 5.0)
    maps.resume({"b\n.png"})
    maps.save("a.png", IMAGE, outputs(170))
    paths = [row["path"] for row in regions(folder)]
    assert paths == ["b\n.png", "a.png"]
    maps.resume(set())
    assert not os.path.exists(f"{folder}/regions.csv")
    maps.resume(set())


def test_a_line_that_a_kill_cut_is_dropped(folder):
    maps = map_folder.MapFolder(folder, 5.0)
    for name in ("a.png", "a.png2"):
        maps.save(name, IMAGE, outputs(255))
    path = os.path.join(folder, "regions.csv")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text[: text.index("a.png2") + 5])
    maps.resume({"a.png"})
    assert len(regions(folder)) == 1


def test_names_that_differ_in_a_separator_share_no_picture(folder):
    shown = {}
    for turn in range(2):  # the second time, pictures are replaced
        maps = map_folder.MapFolder(folder, None)
        for name in ("a/b/c.png", "a/b_c.png", "a_b/c.png", "a_b_c.png"):
            path = maps._picture_path(name)
            assert shown.setdefault(name, path) == path
            maps.save(name, IMAGE, outputs(turn))
    assert len(set(shown.values())) == len(os.listdir(folder)) == 4
    assert os.path.basename(shown["a/b/c.png"]) == "a_b_c.png.png"


def test_a_long_name_is_cut(folder):
    maps = map_folder.MapFolder(folder, None)
    names = ["d/" * 99 + end for end in ("a" * 255, "\u00e9" * 120, "b" * 255)]
    for name in names:
        maps.save(name, IMAGE, outputs(0))
    assert len(os.listdir(folder)) == 3


def test_any_name_and_16_bit_images_are_saved(folder):
    deep = np.full([32, 32], 30000, np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(deep).save(buffer, "PNG")
    map_folder.MapFolder(folder, None).save(
        "e\udcff\n$x_^$.png", buffer.getvalue(), outputs(0)
    )
    assert os.listdir(folder) == ["e\udcff\n$x_^$.png.png"]
