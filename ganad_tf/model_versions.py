"""Versions of a model: folders that are named by integers."""

from __future__ import annotations


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
