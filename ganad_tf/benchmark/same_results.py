"""What two folders of results do not have in common, bit for bit."""

from __future__ import annotations

import json
import os
import re
import zipfile
from typing import Any

import h5py
import numpy as np

# Entries of JSON files that tell times, or the number of a version.
_NOT_RESULTS = {"images_per_second", "training_images_per_second", "version"}
_SPEED = re.compile(rb"[0-9.,]+ images/s")
# TensorBoard's logs hold times.
_LOGS = "logs"
# What TensorFlow leaves in the folder of temporary files, and the random name
# of a SavedModel with the hashes of its files, which are compared themselves.
_NOT_COMPARED = re.compile("__autograph_generated_file.*|fingerprint[.]pb")


def differences(expected: str, found: str) -> list[str]:
    """Compares two folders.

    Weights, arrays and JSON files are compared by their values, without times;
    of TensorBoard's logs no more than the folder; other files byte by byte.

    Args:
        expected: A folder.
        found: Another one.

    Returns:
        differences: Of each path one line, with what is wrong about it; empty
            if the folders hold the same results.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as one:
    ...     with tempfile.TemporaryDirectory() as other:
    ...         open(os.path.join(other, ".a.part"), "w").close()
    ...         differences(one, other)
    ['.a.part: left over']
    """
    paths, others = _paths(expected), _paths(found)
    lines = [f"{path}: missing" for path in paths - others]
    lines += [f"{path}: left over" for path in others - paths]
    lines += [
        f"{path}: differs"
        for path in paths & others
        if not _same(os.path.join(expected, path), os.path.join(found, path))
    ]
    return sorted(lines)


def _paths(root: str) -> set[str]:
    """Files and folders below a folder, relative to it."""
    paths = set()
    for folder, folders, files in os.walk(root):
        paths |= {
            os.path.relpath(os.path.join(folder, name), root)
            for name in folders + files
            if not _NOT_COMPARED.fullmatch(name)
        }
        if _LOGS in folders:
            folders.remove(_LOGS)
    return paths


def _same(expected: str, found: str) -> bool:
    if os.path.isdir(expected):
        return os.path.isdir(found)
    try:
        return _content(expected) == _content(found)
    except (OSError, ValueError, zipfile.BadZipFile):  # a file that is cut off
        return False


def _content(path: str) -> Any:
    """What is compared of a file."""
    if path.endswith(".h5"):
        with h5py.File(path) as file:
            return _arrays(_datasets(file))
    if path.endswith(".npz"):
        with np.load(path) as arrays:
            return _arrays(dict(arrays))
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".json"):
        return _without_times(json.loads(data))
    return _SPEED.sub(b"", data) if path.endswith(".html") else data


def _datasets(file: h5py.File) -> dict[str, np.ndarray]:
    found = {}

    def add(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    file.visititems(add)
    return found


def _arrays(arrays: dict[str, Any]) -> dict[str, tuple]:
    """Shape, type and bits of arrays by name."""
    found = {name: np.asarray(value) for name, value in arrays.items()}
    return {n: (v.shape, v.dtype.str, v.tobytes()) for n, v in found.items()}


def _without_times(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: _without_times(value)
            for name, value in content.items()
            if name not in _NOT_RESULTS
        }
    if isinstance(content, list):
        return [_without_times(value) for value in content]
    return content
