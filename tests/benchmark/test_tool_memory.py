import os
import pathlib

import pytest
from tool_runner import TOOLS

from ganad_tf.benchmark import tool_memory
from ganad_tf.data import dataset
from ganad_tf.errors import UserError


def script(folder, text):
    path = pathlib.Path(folder) / "tool.py"
    path.write_text(text)
    return [str(path)]


def test_the_peak_of_a_process_is_its_own(tmp_path):
    """Not that of its parent, and not what it holds at its end."""
    small, large = (
        tool_memory.run(
            script(
                tmp_path,
                f"import time; kept = b'x' * {size}; time.sleep(0.2)\n"
                "del kept; time.sleep(0.2)",
            )
        )
        for size in (1, 200 * 2**20)
    )
    assert small.megabytes < 60
    assert large.megabytes - small.megabytes == pytest.approx(200, abs=10)
    assert small.seconds > 0.4


def test_a_tool_that_fails_is_an_error(tmp_path):
    with pytest.raises(UserError, match="tool.py fails: no luck"):
        tool_memory.run(script(tmp_path, "raise SystemExit('no luck')"))


def test_parts_differ_and_have_their_shares(tmp_path):
    tool_memory.write_parts(str(tmp_path), 1450)
    files = dataset.scan_images(dataset.list_images(str(tmp_path)))
    assert len({file.digest for file in files}) == len(files) == 1450
    counts = {}
    for file in files:
        key = (file.part, file.defect_type)
        counts[key] = counts.get(key, 0) + 1
    assert counts == {
        ("train", "good"): 1015,
        ("test", "good"): 290,
        ("test", "scratch"): 145,
    }


def test_the_tools_are_there():
    for tool, *flags in tool_memory.COMMANDS.values():
        assert os.path.isfile(TOOLS / tool)
        assert all(flag.startswith("--") for flag in flags)
