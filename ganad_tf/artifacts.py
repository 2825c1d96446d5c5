"""Artefacts: files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from typing import Any


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file in one step: readers see the old one or the new one.

    Args:
        path: Where to; its folder is made if it is missing.
        data: The content.
    """
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    part = os.path.join(folder, f".{name}.part-{os.getpid()}")
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def write_text(path: str, text: str) -> None:
    """Writes a UTF-8 file in one step."""
    write_bytes(path, text.encode())


def write_json(path: str, content: Any) -> None:
    """Writes a JSON file in one step; NaN and infinity are errors."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str, *, made_by: str) -> Any:
    """Reads a JSON file.

    Args:
        path: The file.
        made_by: The tool that makes it, for the error's text.

    Returns:
        content: What the file holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no {path}. Run {made_by} first")
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise ValueError(
                f"{path} is not JSON ({error}). Run {made_by} again"
            ) from error


@contextlib.contextmanager
def new_directory(path: str, *, replace: bool = True) -> Iterator[str]:
    """A folder that gets its name only when all that is in it is written.

    Args:
        path: The folder's name in the end.
        replace: Whether a folder of that name may be there and is replaced.

    Yields:
        part: The folder to write to, a hidden sibling of `path`. It is
            deleted if the block raises.

    Raises:
        FileExistsError: If `path` is there and `replace` is False.

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
        raise FileExistsError(f"{path} is already there")
    parent, name = os.path.split(path)
    part = os.path.join(parent, f".{name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    try:
        yield part
        if os.path.exists(path):
            old = f"{part}.old"
            os.rename(path, old)
            os.rename(part, path)
            shutil.rmtree(old)
        else:
            os.rename(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
