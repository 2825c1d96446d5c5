import os

import pytest
from tool_runner import TOOLS

from ganad_tf.benchmark import kill
from ganad_tf.errors import UserError

# Writes two files in 0.2 s; how the first one gets there is the tool's matter.
TOOL = """
import os, sys, time
flags = dict(flag.removeprefix("--").split("=", 1) for flag in sys.argv[1:])
folder = flags["model_dir"]
os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, "a.txt")
{write}
time.sleep(0.1)
open(os.path.join(folder, "b.txt"), "w").write(open(path).read())
"""
# Every byte is there, or none.
CAREFUL = """
time.sleep(0.1)
open(folder + ".part", "w").write("whole")
os.replace(folder + ".part", path)
"""
# A second run believes what a first one has begun.
CARELESS = """
if not os.path.exists(path):
    with open(path, "w") as file:
        for letter in "whole":
            file.write(letter)
            file.flush()
            time.sleep(0.02)
"""


def killed(tmp_path, write, **arguments):
    (tmp_path / "train_gan.py").write_text(TOOL.format(write=write))
    figures = kill.measure(
        str(tmp_path),
        "nowhere",
        str(tmp_path / "work"),
        names=["train_gan"],
        **arguments,
    )
    return figures["train_gan"]


def test_a_careful_tool_is_found_equal(tmp_path):
    facts = killed(tmp_path, CAREFUL, num_kills=4)
    assert facts["equal"] == facts["runs"] == 4 and facts["kills"] > 0
    assert not facts["differences"]


def test_a_careless_tool_is_found_different(tmp_path):
    facts = killed(tmp_path, CARELESS, num_kills=6)
    assert facts["equal"] < 6
    found = {line for lines in facts["differences"].values() for line in lines}
    assert found == {"model/a.txt: differs", "model/b.txt: differs"}


def test_a_tool_that_fails_when_left_alone_is_an_error(tmp_path):
    with pytest.raises(UserError, match="exit code 1: .*no more paper"):
        killed(tmp_path, "sys.exit('no more paper')")


def test_only_equal_versions_are_one(tmp_path):
    for version, content in (("1", "a"), ("2", "a")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "variables").write_text(content)
    kill._merge_versions(str(tmp_path))
    assert os.listdir(tmp_path) == ["1"]
    (tmp_path / "2").mkdir()
    kill._merge_versions(str(tmp_path))
    assert len(os.listdir(tmp_path)) == 2


def test_training_and_fitting_end_like_uninterrupted_ones(product, tmp_path):
    figures = kill.measure(
        str(TOOLS),
        product,
        str(tmp_path),
        names=["train_gan", "fit_detector"],
        num_kills=1,
        seed=23,  # each after two thirds of its run
    )
    for facts in figures.values():
        assert not facts["differences"]
    assert sum(facts["kills"] for facts in figures.values()) > 0
