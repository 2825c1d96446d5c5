import os
import subprocess
import sys

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
