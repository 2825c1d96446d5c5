"""Artefacts: files and folders that appear complete or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from ganad_tf.errors import UserError


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
        UserError: If the path cannot be written.
    """
    folder, name = os.path.split(os.path.abspath(path))
    part = os.path.join(folder, f".{name}.part-{os.getpid()}")
    with path_errors("write", path):
        os.makedirs(folder, exist_ok=True)
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)


def write_text(path: str, text: str) -> None:
    """Writes a UTF-8 file in one step; bytes of names stay as they are."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path: str, content: Any) -> None:
    """Writes a JSON file in one step; NaN and infinity are errors."""
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
    path = os.path.abspath(path)
    if os.path.exists(path) and not replace:
        raise UserError(f"{path} already exists")
    parent, name = os.path.split(path)
    part = os.path.join(parent, f".{name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    with path_errors("write", path):
        os.makedirs(part)
    try:
        yield part
        with path_errors("write", path):
            _publish(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _publish(part: str, path: str) -> None:
    """Renames `part` to `path`; a rename cannot replace a full folder."""
    if not os.path.exists(path):
        os.rename(part, path)
        return
    old = f"{part}.old"
    os.rename(path, old)
    os.rename(part, path)
    shutil.rmtree(old)
