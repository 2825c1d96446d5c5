import os
import subprocess
import sys
import time

from ganad_tf import part_paths

KILLED = """
import os, signal, sys
from ganad_tf import artifacts
folder = sys.argv[1]
with artifacts.unpublished_directory(folder + "/1") as part:
    artifacts.write_text(part + "/a", "a")
    with artifacts.new_file(folder + "/b.h5", suffix=".h5") as file:
        open(file, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_two_parts_share_a_name(tmp_path):
    path = str(tmp_path / "a")
    parts = {part_paths.part_path(path) for _ in range(9)}
    assert len(parts) == 9 and not os.listdir(tmp_path)
    for part in parts:
        assert os.path.dirname(part) == str(tmp_path)
        assert os.path.basename(part).startswith(".a.part-")


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert len(os.listdir(tmp_path)) == 2
    mine = part_paths.part_path(str(tmp_path / "elsewhere" / "mine"))
    kept = {os.path.basename(mine), ".2.part-otherhost-1-ab", ".2.part", "2"}
    for name in kept:
        (tmp_path / name).touch()
    part_paths.part_path(str(tmp_path / "b.h5"))
    assert set(os.listdir(tmp_path)) == kept


def test_a_process_that_has_the_number_of_a_dead_one_does_not_keep_its_parts(
    tmp_path,
):
    """In containers, the next process often has the number of the last."""
    mine = os.path.basename(part_paths.part_path(str(tmp_path / "x" / "a")))
    start = mine.split("-")[3]
    dead = mine.replace(f"-{start}-", f"-{int(start) - 1}-")
    for name in (mine, dead):
        (tmp_path / name).mkdir()
    part_paths.part_path(str(tmp_path / "b"))
    assert os.listdir(tmp_path) == [mine]


def test_parts_of_another_container_are_kept_until_they_are_old(tmp_path):
    """Its processes cannot be seen from here, whatever its host is called."""
    mine = os.path.basename(part_paths.part_path(str(tmp_path / "x" / "a")))
    place, number = mine.split("-")[1:3]
    fresh = mine.replace(place, "0123abcd").replace(f"-{number}-", "-999999-")
    earlier_versions = f".b.part-{os.uname().nodename}-999999-01234567"
    (tmp_path / fresh).mkdir()
    (tmp_path / "0.part-a-1-ab").mkdir()  # of the user
    for name in (fresh.replace(".a.", ".c."), earlier_versions):
        (tmp_path / name).mkdir()
        week_ago = time.time() - 8 * 86400
        os.utime(tmp_path / name, (week_ago, week_ago))
    os.utime(tmp_path / "0.part-a-1-ab", (week_ago, week_ago))
    part_paths.part_path(str(tmp_path / "b"))
    assert sorted(os.listdir(tmp_path)) == sorted([fresh, "0.part-a-1-ab"])


def test_a_part_of_a_long_name_has_a_name_in_any_container(tmp_path):
    name = part_paths.part_path(str(tmp_path / ("a" * 200)))
    assert len(os.path.basename(name)) <= 255
    open(name, "w").close()
