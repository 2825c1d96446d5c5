"""Progress of long work: the share that is done and the time left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from absl import logging

# Seconds between two lines of progress; shorter work stays silent.
INTERVAL = 10.0


def duration(seconds: float) -> str:
    """Formats a time span in seconds.

    Example:
    >>> duration(7.4), duration(200)
    ('7 s', '3 min 20 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def progress_line(what: str, done: int, total: int, seconds: float) -> str:
    """Formats a line of progress.

    Args:
        what: The work, such as "Inverted images".
        done: Items that are done, at least 1.
        total: Items to do.
        seconds: Time since the start.

    Example:
    >>> progress_line("Scored", 50, 200, 10.0)
    'Scored: 50 of 200, 5/s, 30 s left'
    """
    left = duration(seconds * (total - done) / done)
    return f"{what}: {done} of {total}, {done / seconds:.3g}/s, {left} left"


class LoggedBatches:
    """Batches that log the progress of their reader; can be read repeatedly.

    Args:
        batches: Batches of anything with a length.
        total: Rows of all batches together.
        what: The reader's work, such as "Inverted images".
        interval: Seconds between two lines.

    Example:
    >>> list(LoggedBatches([[1, 2], [3]], total=3, what="Scored"))
    [[1, 2], [3]]
    """

    def __init__(
        self,
        batches: Iterable[Any],
        *,
        total: int,
        what: str,
        interval: float = INTERVAL,
    ):
        self.batches = batches
        self.total = total
        self.what = what
        self.interval = interval

    def __iter__(self) -> Iterator[Any]:
        start = last = time.monotonic()
        done = 0
        for batch in self.batches:
            yield batch
            done += len(batch)
            now = time.monotonic()
            if now - last >= self.interval and done < self.total:
                last = now
                logging.info(
                    "%s.",
                    progress_line(self.what, done, self.total, now - start),
                )
