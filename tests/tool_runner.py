"""Runs the tools and takes what they print."""

import os
import pathlib
import subprocess
import sys
import tempfile

from ganad_tf.benchmark import tool_process

TOOLS = pathlib.Path(__file__).parent.parent / "tools"
# Small networks.
TRAIN = [
    "--image_size=32",
    "--latent_dim=6",
    "--width=4",
    "--batch_size=8",
    "--field_steps=0",
]


def command(tool, *more, **flags):
    """The command line by which a user starts a tool."""
    given = [f"--{name}={value}" for name, value in flags.items()]
    return [sys.executable, str(TOOLS / f"{tool}.py"), *given, *more]


def run(tool, *more, prepare=tool_process.nothing, **flags):
    """What a run of a tool printed, and its exit code.

    Args:
        tool: Its name.
        *more: Arguments as they are.
        prepare: Function of a module, called in the process before the tool.
        **flags: Flags by name.
    """
    arguments = command(tool, *more, **flags)
    with tempfile.TemporaryDirectory() as folder:
        outputs = [os.path.join(folder, name) for name in ("out", "err")]
        process = tool_process.start(
            arguments[1:], outputs=outputs, prepare=prepare
        )
        process.join()
        stdout, stderr = (pathlib.Path(path).read_text() for path in outputs)
    return subprocess.CompletedProcess(
        arguments, process.exitcode, stdout, stderr
    )


def done(tool, *more, **flags):
    """What a tool printed that has to succeed."""
    answer = run(tool, *more, **flags)
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stderr
    return answer


def failed(tool, *more, **flags):
    """The one line that a failed tool prints last."""
    answer = run(tool, *more, **flags)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    lines = answer.stderr.strip().splitlines()
    assert lines[-1].startswith(f"{tool}.py: error: ")
    return lines[-1]
