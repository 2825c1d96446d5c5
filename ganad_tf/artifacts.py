"""Artefacts: files and folders that appear complete or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import tempfile
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from ganad_tf import part_paths
from ganad_tf import staging
from ganad_tf.errors import UserError

# Constants of Linux.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class ExistsError(UserError):
    """A folder of this name has been published, and is not replaced."""


@contextlib.contextmanager
def path_errors(verb: str, path: str) -> Iterator[None]:
    """Reports what the operating system refuses about a path the user gave.

    Args:
        verb: What is done to the path, such as "write".
        path: The path.

    Raises:
        UserError: In place of an `OSError` of the block.

    Example:
    >>> with path_errors("read", "nowhere"):
    ...     open("nowhere")
    Traceback (most recent call last):
    ganad_tf.errors.UserError: Cannot read nowhere: No such file or directory
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"Cannot {verb} {path}: {reason}") from error


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file in one step: readers see the old one or the new one.

    Args:
        path: The file; its folder is created if it is missing.
        data: The content.

    Raises:
        UserError: If the path cannot be written; an older file stays.
    """
    with new_file(path) as part, open(part, "wb") as file:
        file.write(data)


@contextlib.contextmanager
def new_file(path: str, *, suffix: str = "") -> Iterator[str]:
    """A file that gets its name, and replaces another, only when complete.

    Args:
        path: The file's final name; its folder is created if it is missing.
        suffix: What the name to write to must end in.

    Yields:
        part: The file to write, a hidden sibling of `path`. It is deleted if
            the block raises.

    Raises:
        UserError: If it cannot be written.
    """
    part = part_paths.part_path(path) + suffix
    with path_errors("write", path):
        os.makedirs(os.path.dirname(part), exist_ok=True)
        try:
            yield part
            _flush(part)
            os.replace(part, path)
        except BaseException:
            part_paths.remove(part)
            raise
        _flush(os.path.dirname(part))
    staging.completed(path)


def claim_space(path: str, num_bytes: int) -> None:
    """Makes a file of some size, so that a full disk shows itself here.

    Args:
        path: The file, which is to be written anew.
        num_bytes: Its size.

    Raises:
        OSError: If there is no room for it.
    """
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, num_bytes)


def _flush(path: str) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_text(path: str, text: str) -> None:
    """Writes a UTF-8 file in one step; bytes of names stay as they are."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path: str, content: Any) -> None:
    """Writes a JSON file in one step, as `write_bytes` does.

    Raises:
        ValueError: If the content holds NaN or infinity, which are no JSON.
        UserError: If the path cannot be written.
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str, *, made_by: str, keys: Iterable[str] = ()) -> Any:
    """Reads a JSON file.

    Args:
        path: The file.
        made_by: The tool that writes it, for the error's text.
        keys: Entries that it must have.

    Returns:
        content: What the file holds.

    Raises:
        UserError: If there is no such file, it is not JSON, or entries are
            missing.
    """
    if not os.path.isfile(path):
        raise UserError(f"There is no {path}. Run {made_by} first")
    with path_errors("read", path), open(path, encoding="utf-8") as file:
        try:
            content = json.load(file)
        except ValueError as error:
            raise UserError(
                f"{path} is not JSON ({error}). Run {made_by} again"
            ) from error
    if missing := [key for key in keys if key not in content]:
        raise UserError(
            f"{path} has no entry {', '.join(missing)}. Expected a file of "
            f"{made_by}"
        )
    return content


@contextlib.contextmanager
def new_directory(path: str, *, replace: bool = True) -> Iterator[str]:
    """A folder that gets its name only when its content is complete.

    Args:
        path: The folder's final name.
        replace: Whether an earlier folder of that name is replaced.

    Yields:
        part: The folder to write to, a hidden sibling of `path`. It is
            deleted if the block raises.

    Raises:
        UserError: If `path` exists and `replace` is False, or cannot be
            written.

    Example:
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model")
    >>> with new_directory(path) as part:
    ...     write_text(os.path.join(part, "a.txt"), "a")
    ...     os.path.exists(path)
    False
    >>> os.listdir(path)
    ['a.txt']
    """
    if not replace:
        _check_new(path)
    with unpublished_directory(path) as part:
        yield part
        publish(part, path, replace=replace)


@contextlib.contextmanager
def unpublished_directory(path: str) -> Iterator[str]:
    """A hidden folder beside a path, deleted at the end unless `publish`ed.

    Args:
        path: Where it may be published.

    Yields:
        part: The folder to write to.

    Raises:
        UserError: If it cannot be made.
    """
    part = part_paths.part_path(path)
    with path_errors("write", path):
        os.makedirs(part)
    try:
        yield part
    finally:
        part_paths.remove(part)


@contextlib.contextmanager
def temporary_directory() -> Iterator[str]:
    """A folder for what is not kept, elsewhere (`TMPDIR`), deleted at the end.

    If this process is killed, the next one deletes it.

    Yields:
        folder: Where to write to.

    Raises:
        UserError: If it cannot be made.
    """
    path = os.path.join(tempfile.gettempdir(), "ganad_tf")
    with unpublished_directory(path) as folder:
        yield folder


def publish(part: str, path: str, *, replace: bool = False) -> None:
    """Gives a complete folder its name, when all of it is on the disk.

    Args:
        part: The folder, of `unpublished_directory`.
        path: Its name, in the same parent.
        replace: Whether it takes the place of an earlier folder, in one step.

    Raises:
        ExistsError: If `path` exists and `replace` is False.
        UserError: If it cannot be written.
    """
    path = os.path.abspath(path)
    with path_errors("write", path):
        for folder, _, names in os.walk(part):
            for name in names:
                _flush(os.path.join(folder, name))
            _flush(folder)
        if replace and os.path.exists(path):
            _exchange(part, path)
        else:
            _check_new(path)
            _rename_to_new(part, path)
        _flush(os.path.dirname(path))
    staging.completed(path)


def _check_new(path: str) -> None:
    if os.path.lexists(path):
        raise ExistsError(f"{path} already exists")


def _rename_to_new(part: str, path: str) -> None:
    """The system itself refuses to rename to a folder with content."""
    try:
        os.rename(part, path)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        raise ExistsError(f"{path} already exists") from error


def _exchange(part: str, path: str) -> None:
    """Exchanges two folders: at no moment is there none of that name."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = ctypes.c_int(_AT_FDCWD)
    names = [os.fsencode(name) for name in (part, path)]
    if hasattr(libc, "renameat2") and not libc.renameat2(
        here, names[0], here, names[1], ctypes.c_uint(_RENAME_EXCHANGE)
    ):
        return
    # Some systems cannot exchange: a kill between these two lines would leave
    # the earlier folder under its hidden name.
    os.rename(path, f"{part}.old")
    os.rename(part, path)
    os.rename(f"{part}.old", part)
