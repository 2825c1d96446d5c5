"""Versions of a model: folders that are named by integers."""

from __future__ import annotations

import os


def is_version(name: str) -> bool:
    """Whether a folder of this name is one of a model's versions.

    Args:
        name: Of the folder.

    Returns:
        answer: True for ASCII digits alone, as TensorFlow Serving reads them:
            `int` refuses some other digits, and Serving all of them.

    Example:
    >>> is_version("12"), is_version("1²"), is_version("٣"), is_version("")
    (True, False, False, False)
    """
    return name.isascii() and name.isdigit()


def next_version(export_dir: str) -> int:
    """The integer after the largest version in a folder; 1 for none."""
    names = os.listdir(export_dir) if os.path.isdir(export_dir) else []
    return max((int(name) for name in names if is_version(name)), default=0) + 1
