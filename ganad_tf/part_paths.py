"""Names of what is being written, and the removal of what a kill left of it.

Files and folders are written under a hidden name beside their own and renamed
when they are complete. The name tells which process writes, so that another
one can tell what nobody will ever finish.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import socket
import uuid

_HOST = re.sub(r"\W", "_", socket.gethostname())
_PART = re.compile(rf"\..*\.part-{_HOST}-(\d+)-[0-9a-f]+.*", re.S)


def part_path(path: str) -> str:
    """A hidden name beside a path, which no one else writes to.

    The first call for a folder removes what killed processes of this machine
    left there.

    Args:
        path: Final name of a file or a folder.

    Returns:
        part: Name in the same folder, which is not made here.
    """
    folder, name = os.path.split(os.path.abspath(path))
    _remove_left_over(folder)
    token = uuid.uuid4().hex[:8]
    return os.path.join(folder, f".{name}.part-{_HOST}-{os.getpid()}-{token}")


@functools.cache
def _remove_left_over(folder: str) -> None:
    """Once in a process: a folder may hold very many files."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        found = _PART.fullmatch(name)
        if found and not _is_running(int(found[1])):
            remove(os.path.join(folder, name))


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


def remove(part: str) -> None:
    """Removes a file or a folder as far as it is there and can be removed."""
    if os.path.isdir(part):
        shutil.rmtree(part, ignore_errors=True)
    else:
        try:
            os.remove(part)
        except OSError:
            return
