"""Child processes that do not outlive their parent."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1  # a constant of Linux


def end_with_parent() -> None:
    """For `preexec_fn`: the kernel kills the child when its parent ends.

    A tool that outlived the one that started it would write beside the next
    run's.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
