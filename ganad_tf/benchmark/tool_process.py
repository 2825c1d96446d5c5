"""Tools in processes of their own that need not import TensorFlow.

They are forked from a server that has imported it, without starting its
runtime. Flags, exit codes and what is printed are those of a start by hand.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Sequence
from multiprocessing.process import BaseProcess

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "ganad_tf.serving.export",
        "ganad_tf.paper.reproduction",
    ]
)


def nothing() -> None:
    """Prepares nothing."""


def wait_for_server() -> None:
    """Waits until tools start at once, so that their times are their own."""
    process = _CONTEXT.Process(target=nothing)
    process.start()
    process.join()


def start(
    arguments: Sequence[str],
    *,
    outputs: tuple[str, str],
    prepare: Callable[[], None] = nothing,
    temporary: str | None = None,
) -> BaseProcess:
    """Starts a tool.

    Args:
        arguments: Path of the tool, and its flags.
        outputs: Files that get its standard output and its standard error.
        prepare: Function of a module, called in the process before the tool.
        temporary: Existing folder for its temporary files; the system's by
            default.

    Returns:
        process: It runs; `exitcode` is the tool's, or minus a signal's number.
    """
    process = _CONTEXT.Process(
        target=_main, args=(list(arguments), outputs, prepare, temporary)
    )
    process.start()
    return process


def _main(arguments, outputs, prepare, temporary) -> None:
    for stream, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    if temporary is not None:
        os.environ["TMPDIR"] = tempfile.tempdir = temporary
    sys.path.insert(0, os.path.dirname(arguments[0]))
    prepare()
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")
