import errno

import pytest
import tensorflow as tf
from tool_runner import failed
from tool_runner import run

from ganad_tf.errors import UserError
from ganad_tf.serving import score_files

FULL = OSError(errno.ENOSPC, "No space left on device")
FILE = tf.errors.NotFoundError(None, None, "x.index; No such file or directory")
OP = tf.errors.NotFoundError(None, None, "No registered 'X' OpKernel")


class Fail:
    """Lets the tool raise an error where it lists the images."""

    def __init__(self, error):
        self.error = error

    def __call__(self):
        score_files.list_image_paths = self.fail

    def fail(self, _):
        raise self.error


FLAGS = {"images": "x", "output": "y", "saved_model": "z"}


@pytest.mark.parametrize(
    "error, line",
    [
        (UserError("bad\nfolder"), "bad folder"),
        (FileNotFoundError(2, "None such", "a.txt"), "a.txt: None such; check"),
        (PermissionError(13, "No", "a"), "a: No; check the permissions"),
        (FULL, "No space left on device; free some disk space"),
        (KeyboardInterrupt(), "interrupted; run it again to resume"),
    ],
)
def test_what_the_user_can_mend_is_one_line(error, line):
    found = failed("score_images", prepare=Fail(error), **FLAGS)
    assert found.startswith(f"score_images.py: error: {line}")


@pytest.mark.parametrize(
    "error", [ValueError("ours"), OSError("ours"), KeyError("ours"), OP]
)
def test_bugs_are_tracebacks(error):
    answer = run("score_images", prepare=Fail(error), **FLAGS)
    assert answer.returncode == 1 and "Traceback" in answer.stderr
    assert "error: " not in answer.stderr.splitlines()[-1]


def test_files_that_tensorflow_misses_are_one_line():
    line = failed("score_images", prepare=Fail(FILE), **FLAGS)
    assert line.endswith("x.index; No such file or directory; check the path")


def test_a_traceback_is_shown_where_it_is_asked_for():
    answer = run(
        "score_images", prepare=Fail(UserError("bad")), verbosity=1, **FLAGS
    )
    assert "Traceback" in answer.stderr
    assert answer.stderr.splitlines()[-1] == "score_images.py: error: bad"
