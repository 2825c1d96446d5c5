"""Staging: a folder on a remote storage, worked on as a local copy.

HDF5, NumPy and SQLite need local files, and no object storage renames a folder
in one step. So a tool downloads the folder, works on the copy, and each file
that `artifacts` completes in the copy is uploaded at once: a run that is
preempted resumes from there. A folder that appears as a whole is uploaded with
a marker as its last file, which holds the digests of all others: a reader who
finds other contents knows that a writer is at work, or was killed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import json
import os
import tempfile
from collections.abc import Callable
from collections.abc import Iterator

from absl import logging

from ganad_tf import part_paths
from ganad_tf import remote
from ganad_tf.errors import UserError

MARKER = "published.json"
# Loaders take a folder for a model as soon as it has this file.
_LATE = ("saved_model.pb",)


class _Copy:
    """A local copy of a remote folder."""

    def __init__(self, folder: str, target: str):
        self.folder = folder
        self.target = target
        self._known: dict[str, tuple[int, int]] = {}

    def download_names(self) -> None:
        """Makes an empty folder for each one that is there."""
        for name in remote.list_dir(self.target):
            os.makedirs(os.path.join(self.folder, name))

    def download(self) -> None:
        for name in sorted(_remote_names(self.target)):
            if os.path.basename(name) == MARKER:
                continue
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with (
                remote.open_file(remote.join(self.target, name)) as source,
                open(path, "wb") as file,
            ):
                file.write(source.read())
            self._known[name] = _stamp(path)
        for name in _remote_names(self.target):
            if os.path.basename(name) == MARKER:
                self._drop_incomplete(os.path.dirname(name))

    def _drop_incomplete(self, name: str) -> None:
        """Drops a folder that is not what its marker says: it is no folder."""
        address = remote.join(self.target, name)
        folder = os.path.join(self.folder, name)
        with remote.open_file(remote.join(address, MARKER)) as file:
            digests = json.loads(file.read())
        if digests != _digests(folder):
            logging.warning(
                "%s is incomplete: it is being written, or its writer was "
                "killed. It is taken as missing.",
                address,
            )
            part_paths.remove(folder)
            for inner in [n for n in self._known if n.startswith(name + "/")]:
                del self._known[inner]

    def upload(self, name: str) -> None:
        path = os.path.join(self.folder, name)
        if self._known.get(name) != _stamp(path):
            self._known[name] = _stamp(path)
            _upload(path, remote.join(self.target, name))

    def upload_whole(self, name: str) -> None:
        """Uploads a folder: its marker last; then old files go."""
        folder = os.path.join(self.folder, name)
        address = remote.join(self.target, name)
        digests = _digests(folder)
        for inner in sorted(digests, key=lambda n: (n in _LATE, n)):
            self.upload(os.path.join(name, inner))
        remote.write_file(
            remote.join(address, MARKER), json.dumps(digests).encode()
        )
        for inner in set(_remote_names(address)) - {*digests, MARKER}:
            remote.remove(remote.join(address, inner))

    def upload_rest(self) -> None:
        """Uploads what is new, and removes what is gone."""
        names = _local_names(self.folder)
        for name in names:
            self.upload(name)
        for name in set(self._known) - set(names):
            remote.remove(remote.join(self.target, name))


# Copies that are worked on, by their folders.
_COPIES: dict[str, _Copy] = {}


def _stamp(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _upload(path: str, target: str) -> None:
    with open(path, "rb") as file:
        remote.write_file(target, file.read())


def _local_names(folder: str) -> list[str]:
    """Files below a folder, by their names relative to it; no hidden ones."""
    names = [
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _, files in os.walk(folder)
        for name in files
    ]
    return sorted(name for name in names if not _is_hidden(name))


def _is_hidden(name: str) -> bool:
    """Whether a file, or a folder it is in, is not complete."""
    return name.startswith(".") or f"{os.sep}." in name


def _remote_names(address: str) -> list[str]:
    return [
        remote.join(parent, name).removeprefix(f"{address.rstrip('/')}/")
        for parent, _, names in remote.walk(address)
        for name in names
        if ".part-" not in name
    ]


def _digests(folder: str) -> dict[str, str]:
    digests = {}
    for name in _local_names(folder):
        with open(os.path.join(folder, name), "rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def completed(path: str) -> None:
    """Uploads a file or a folder that is complete, if it is in a copy.

    Args:
        path: Its final name; of a folder, it is uploaded as a whole.

    Raises:
        UserError: If the storage refuses it.
    """
    path = os.path.abspath(path)
    for folder, copy in _COPIES.items():
        if path.startswith(folder + os.sep):
            name = os.path.relpath(path, folder)
            if _is_hidden(name):
                continue
            if os.path.isdir(path):
                copy.upload_whole(name)
            else:
                copy.upload(name)


@contextlib.contextmanager
def local_folder(path: str, *, names_only: bool = False) -> Iterator[str]:
    """A local folder that stands for one anywhere.

    Args:
        path: A local folder, which is taken as it is, or a remote one.
        names_only: Whether the names in a remote folder are enough, and the
            contents are not needed.

    Yields:
        folder: What is in `path`, or empty folders of those names. What is
            completed in it is uploaded at once; what else has changed, when
            the block ends without an error.

    Raises:
        UserError: If the storage refuses it.
    """
    if not remote.is_remote(path):
        yield path
        return
    name = os.path.basename(path.rstrip("/"))
    with _working_folder() as parent:
        folder = os.path.join(parent, name)
        os.makedirs(folder)
        copy = _Copy(folder, path)
        if names_only:
            copy.download_names()
        else:
            copy.download()
        _COPIES[folder] = copy
        try:
            yield folder
            if folder in _COPIES:
                copy.upload_rest()
        finally:
            _COPIES.pop(folder, None)


@contextlib.contextmanager
def _working_folder() -> Iterator[str]:
    path = os.path.join(tempfile.gettempdir(), "ganad_tf_copy")
    part = part_paths.part_path(path)
    os.makedirs(part)
    try:
        yield part
    finally:
        part_paths.remove(part)


def keep_to_itself(folder: str) -> None:
    """From here on, nothing of a copy is uploaded: another host does it."""
    _COPIES.pop(folder, None)


def staged(*names: str) -> Callable:
    """Gives a function local folders for arguments that may be anywhere.

    Args:
        *names: Of the arguments.

    Returns:
        decorator: Of a function that is called with `local_folder`s.
    """

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def with_local_folders(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            with contextlib.ExitStack() as stack:
                for name in names:
                    bound.arguments[name] = stack.enter_context(
                        local_folder(bound.arguments[name])
                    )
                return function(*bound.args, **bound.kwargs)

        return with_local_folders

    return decorate


@contextlib.contextmanager
def local_file(path: str) -> Iterator[str]:
    """A local file that stands for one anywhere; uploaded if all went well.

    A run that is cut finds its working file again, on the same machine.

    Args:
        path: A local file, which is taken as it is, or a remote one.

    Yields:
        file: The file to write.
    """
    if not remote.is_remote(path):
        yield path
        return
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    folder = os.path.join(tempfile.gettempdir(), f"ganad_tf_output_{digest}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.stat(folder).st_uid != os.getuid():
        raise UserError(
            f"{folder} belongs to another user. Expected a folder of one's own "
            "to work in: TMPDIR names another one"
        )
    file = os.path.join(folder, path.rpartition("/")[2])
    yield file
    _upload(file, path)
    part_paths.remove(folder)
