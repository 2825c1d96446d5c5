"""Version numbers of a served model: its folder has one folder for each."""

from __future__ import annotations

import os


def next_version(export_dir: str) -> int:
    """The integer after the largest version in a folder; 1 for none."""
    names = os.listdir(export_dir) if os.path.isdir(export_dir) else []
    return max((int(name) for name in names if name.isdigit()), default=0) + 1
