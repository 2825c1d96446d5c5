import json
import subprocess
import sys

import pytest

from ganad_tf.serving import c_api

NUMBERS = c_api.Tensor(1, [2], b"\x00\x00\x80?\x00\x00\x00@")
STRINGS = c_api.Tensor(c_api.STRING, [2, 1], [b"a\x00\xff", b""])
EMPTY = [c_api.Tensor(1, [0, 3], b""), c_api.Tensor(c_api.STRING, [0], [])]


@pytest.mark.parametrize("tensor", [NUMBERS, STRINGS, *EMPTY])
def test_tensors_survive_json(tensor):
    content = json.loads(json.dumps(c_api.to_json(tensor)))
    assert c_api.from_json(content) == tensor


def test_the_program_needs_the_standard_library_alone():
    program = "import runpy, sys; runpy.run_path(sys.argv[1]); print('loaded')"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, c_api.__file__],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "loaded\n"
