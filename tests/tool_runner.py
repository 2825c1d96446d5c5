"""Runs the tools in processes of their own that need not import TensorFlow.

They are forked from a server that has imported it, without starting its
runtime. Flags, exit codes and what is printed are those of a start by hand.
"""

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile

TOOLS = pathlib.Path(__file__).parent.parent / "tools"
# Small networks.
TRAIN = [
    "--image_size=32",
    "--latent_dim=6",
    "--width=4",
    "--batch_size=8",
    "--field_steps=0",
]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "ganad_tf.serving.export",
        "ganad_tf.paper.reproduction",
    ]
)


def command(tool, *more, **flags):
    """The command line by which a user starts a tool."""
    given = [f"--{name}={value}" for name, value in flags.items()]
    return [sys.executable, str(TOOLS / f"{tool}.py"), *given, *more]


def _main(arguments, outputs, prepare):
    for stream, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    sys.path.insert(0, str(TOOLS))
    prepare()
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


def _nothing():
    pass


def run(tool, *more, prepare=_nothing, **flags):
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
        process = _CONTEXT.Process(
            target=_main, args=(arguments[1:], outputs, prepare)
        )
        process.start()
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
