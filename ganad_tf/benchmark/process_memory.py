"""Memory of a process, by Linux' own count.

`resource.getrusage` would add the peak of the parent process.
"""

from __future__ import annotations

import os

_OWN_STATUS = "/proc/self/status"


def obstacle() -> str | None:
    """Why memory cannot be measured here, in words; None where it can."""
    if os.path.exists(_OWN_STATUS):
        return None
    return f"this system has no {_OWN_STATUS}"


def present_megabytes(process: int) -> float:
    """Resident memory of a process now.

    Args:
        process: Its identifier.
    """
    return _megabytes(f"/proc/{process}/status", "VmRSS")


def peak_megabytes(process: int | None = None) -> float:
    """Largest resident memory of a process so far.

    Args:
        process: Its identifier; None for this process.
    """
    path = _OWN_STATUS if process is None else f"/proc/{process}/status"
    return _megabytes(path, "VmHWM")


def _megabytes(path: str, name: str) -> float:
    with open(path, encoding="ascii") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) / 1024
