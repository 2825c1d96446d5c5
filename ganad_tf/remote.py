"""Files anywhere: what `tf.io.gfile` names, such as gs://bucket/folder.

TensorFlow is loaded at the first path with a scheme: light clients that read
local files need none.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import uuid
from collections.abc import Iterator
from typing import Any
from typing import BinaryIO

from ganad_tf.errors import UserError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# Schemes whose listings end the names of folders, and no others, in a slash.
_MARKS_FOLDERS = ("gs://",)


def is_remote(path: str) -> bool:
    """Whether a path has a scheme, such as gs://, so that TensorFlow reads it.

    Example:
    >>> is_remote("gs://bucket/parts"), is_remote("elpv:mono")
    (True, False)
    """
    return _SCHEME.match(path) is not None


def _gfile() -> Any:
    return importlib.import_module("tensorflow").io.gfile


@contextlib.contextmanager
def _errors(verb: str, path: str) -> Iterator[None]:
    """Turns what a storage refuses into a `UserError`."""
    operation_errors = importlib.import_module("tensorflow").errors
    try:
        yield
    except operation_errors.UnimplementedError as error:
        known = ", ".join(
            sorted(filter(None, _gfile().get_registered_schemes()))
        )
        raise UserError(
            f"Cannot {verb} {path}: TensorFlow has no such file system here. "
            f"Expected one of {known}, or a mounted folder"
        ) from error
    except operation_errors.OpError as error:
        reason = " ".join(error.message.split())
        raise UserError(f"Cannot {verb} {path}: {reason}") from error


def open_file(path: str | bytes) -> BinaryIO:
    """Opens a file anywhere to read it; a remote one is read at once.

    Raises:
        OSError: If a local file cannot be read.
        UserError: If a remote file cannot be read.
    """
    path = os.fsdecode(path)
    if not is_remote(path):
        return open(path, "rb")
    with _errors("read", path), _gfile().GFile(path, "rb") as file:
        return io.BytesIO(file.read())


def is_dir(path: str) -> bool:
    """Whether there is a folder of this name."""
    if not is_remote(path):
        return os.path.isdir(path)
    with _errors("read", path):
        return _gfile().isdir(path)


def is_file(path: str) -> bool:
    """Whether there is a file of this name."""
    if not is_remote(path):
        return os.path.isfile(path)
    with _errors("read", path):
        return _gfile().exists(path) and not _gfile().isdir(path)


def list_dir(path: str) -> list[str]:
    """Names in a folder, in no order; none if there is no folder."""
    if is_remote(path):
        return [name.rstrip("/") for name in _list_remote(path)]
    return os.listdir(path) if os.path.isdir(path) else []


def _list_remote(path: str) -> list[str]:
    """Names as the storage has them: of folders perhaps with a slash."""
    if not is_dir(path):
        return []
    with _errors("read", path):
        # An object named "a//b" is in a folder "/" of a: it has no name.
        return [name for name in _gfile().listdir(path) if name.strip("/")]


def walk(path: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk` from the top: the folders that are kept are entered.

    Where the listing of a storage tells folders from files, no name is asked
    for: there, each question is a request.
    """
    if not is_remote(path):
        yield from os.walk(path)
        return
    is_marked = path.lower().startswith(_MARKS_FOLDERS)
    folders, files = [], []
    for name in _list_remote(path):
        if name.endswith("/"):
            folders.append(name.rstrip("/"))
        elif not is_marked and is_dir(join(path, name)):
            folders.append(name)
        else:
            files.append(name)
    yield path, folders, files
    for name in folders:
        yield from walk(join(path, name))


def glob(pattern: str) -> list[str]:
    """Remote paths that match a pattern."""
    with _errors("read", pattern):
        return _gfile().glob(pattern)


def size_and_time(path: str) -> tuple[int, int]:
    """Bytes of a remote file, and when it changed, in nanoseconds."""
    with _errors("read", path):
        status = _gfile().stat(path)
    return status.length, status.mtime_nsec


def absolute(path: str) -> str:
    """A path that means the same in any working folder.

    Example:
    >>> absolute("gs://bucket/a"), absolute("/data/../a")
    ('gs://bucket/a', '/a')
    """
    return path if is_remote(path) else os.path.abspath(path)


def join(folder: str, *names: str) -> str:
    """Joins names; those of remote paths always by a slash."""
    if not is_remote(folder):
        return os.path.join(folder, *names)
    return "/".join([folder.rstrip("/"), *names])


def write_file(path: str, data: bytes) -> None:
    """Writes a remote file, which gets its name when it is complete."""
    part = f"{path}.part-{uuid.uuid4().hex[:8]}"
    with _errors("write", path):
        _gfile().makedirs(path.rpartition("/")[0])
        with _gfile().GFile(part, "wb") as file:
            file.write(data)
        _gfile().rename(part, path, overwrite=True)


def remove(path: str) -> None:
    """Removes a remote file, if it is there."""
    with _errors("remove", path):
        if _gfile().exists(path):
            _gfile().remove(path)
