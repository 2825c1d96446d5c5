"""The serving double in a process of its own, with versions that appear."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple

from ganad_tf.benchmark import process_memory
from ganad_tf.benchmark import serving_double

_NAME = "model"


class ServerProcess(NamedTuple):
    """A server of the newest version in a folder."""

    address: str  # of the REST server
    process: int  # identifier
    base_path: str  # folder of versions
    saved_model: str  # what each version is a link to

    def publish(self) -> None:
        """Adds a version; the server loads it as soon as it sees it."""
        version = str(len(os.listdir(self.base_path)) + 1)
        os.symlink(self.saved_model, os.path.join(self.base_path, version))

    def version(self) -> int:
        """The version that answers now."""
        with urllib.request.urlopen(self.address) as answer:
            (status,) = json.load(answer)["model_version_status"]
        return int(status["version"])

    def present_megabytes(self) -> float:
        """Memory of the server now."""
        return process_memory.present_megabytes(self.process)

    def peak_megabytes(self) -> float:
        """Largest memory of the server so far."""
        return process_memory.peak_megabytes(self.process)


@contextlib.contextmanager
def start(saved_model: str) -> Iterator[ServerProcess]:
    """Serves a SavedModel as version 1.

    Args:
        saved_model: Folder of one version.

    Yields:
        server: `ServerProcess`; it is stopped at the end.

    Raises:
        RuntimeError: If the server does not start; its traceback is on the
            standard error.
    """
    # A forked process would share the state of TensorFlow's runtime.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as base_path:
        saved_model = os.path.abspath(saved_model)
        os.symlink(saved_model, os.path.join(base_path, "1"))
        process = context.Process(
            target=_serve, args=(base_path, sender), daemon=True
        )
        process.start()
        sender.close()  # now the end of the process ends the pipe
        try:
            address = _receive(receiver)
            yield ServerProcess(address, process.pid, base_path, saved_model)
        finally:
            process.terminate()
            process.join()


def _receive(receiver: Connection) -> str:
    try:
        return receiver.recv()
    except EOFError as error:
        raise RuntimeError("The serving double did not start") from error


def _serve(base_path: str, sender: Connection) -> None:
    """Sends the address, and serves until the process is terminated."""
    with serving_double.serve(base_path, _NAME) as model:
        sender.send(model.rest)
        threading.Event().wait()
