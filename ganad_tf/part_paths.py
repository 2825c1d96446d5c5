"""Names of what is being written, and the removal of what a kill left of it.

Files and folders are written under a hidden name beside their own and renamed
when they are complete. The name tells which process writes, so that another
one can tell what nobody will ever finish. Containers share folders, but do not
see each other's processes, may have one host name, and give their processes the
same numbers: the name tells these apart, too.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import socket
import time
import uuid

# Place, number and start of the process; names of earlier versions fit, too.
_PART = re.compile(r"\..*\.part-(\w+)-(\d+)-([0-9a-f]+).*", re.S)
# After this, what was begun elsewhere is taken for given up.
_SECONDS_ELSEWHERE = 7 * 24 * 3600.0


def part_path(path: str) -> str:
    """A hidden name beside a path, which no one else writes to.

    The first call for a folder removes what killed processes left there: of
    this machine at once, of other machines and containers after a week.

    Args:
        path: Final name of a file or a folder.

    Returns:
        part: Name in the same folder, which is not made here.
    """
    folder, name = os.path.split(os.path.abspath(path))
    _remove_left_over(folder)
    process = os.getpid()
    writer = f"{_place()}-{process}-{_start_of(process)}"
    return os.path.join(folder, f".{name}.part-{writer}-{uuid.uuid4().hex[:8]}")


@functools.cache
def _place() -> str:
    """Where numbers of processes mean the same: machine, boot, namespace."""
    facts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # systems other than Linux
        with open("/proc/sys/kernel/random/boot_id") as file:
            facts.append(file.read())
        facts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def _start_of(process: int) -> str:
    """When a process began, in the system's ticks; "0" where nobody knows."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            # The second field, a name in parentheses, may hold anything.
            return file.read().rpartition(b")")[2].split()[19].decode()
    except OSError:
        return "0"


@functools.cache
def _remove_left_over(folder: str) -> None:
    """Once in a process: a folder may hold very many files."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        found = _PART.fullmatch(name)
        part = os.path.join(folder, name)
        if found and _is_given_up(part, found[1], int(found[2]), found[3]):
            remove(part)


def _is_given_up(part: str, place: str, process: int, start: str) -> bool:
    if place == _place():
        return not _is_running(process, start)
    try:
        return time.time() - os.lstat(part).st_mtime > _SECONDS_ELSEWHERE
    except OSError:  # its writer has just finished it
        return False


def _is_running(process: int, start: str) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        pass
    # Else a later process has its number.
    return _start_of(process) in (start, "0")


def remove(part: str) -> None:
    """Removes a file or a folder as far as it is there and can be removed."""
    if os.path.isdir(part):
        shutil.rmtree(part, ignore_errors=True)
    else:
        try:
            os.remove(part)
        except OSError:
            return
