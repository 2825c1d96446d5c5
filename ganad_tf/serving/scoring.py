"""Scoring of many images by anything that predicts rows of a batch.

Chunks of bounded size go out in parallel; one that is refused is halved until
the bad image stands alone, and one that finds the server unavailable is sent
again. No TensorFlow is needed here.
"""

from __future__ import annotations

import collections
import os
import random
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

from absl import logging

from ganad_tf.data import image_files

MAX_CHUNK_BYTES = 16 * 2**20
_FIRST_PAUSE = 0.25  # seconds
_LONGEST_PAUSE = 15.0

# A row is a dictionary of an image's outputs, or the reason why there is none.
ScoredRow = dict[str, Any] | str
Predict = Callable[[list[bytes]], list[dict[str, Any]]]


class RefusedError(ValueError):
    """A request was refused for what is in it; others may go through."""


class UnavailableError(OSError):
    """Nobody answered in time, or said to come back later."""


class ScoredFile(NamedTuple):
    """One file and what was found."""

    path: str
    image_bytes: bytes | None  # None where the file could not be read
    row: ScoredRow


def rows_of(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of named columns of one length.

    Example:
    >>> rows_of({"score": [1.5, 2.5], "is_defective": [False, True]})[1]
    {'score': 2.5, 'is_defective': True}
    """
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def score_apart(predict: Predict, image_bytes: list[bytes]) -> list[ScoredRow]:
    """Predicts; an image that cannot be scored costs itself alone.

    Args:
        predict: From encoded images to their rows; raises `RefusedError`.
        image_bytes: Encoded images, any number.

    Returns:
        rows: For each image its row, or the reason why there is none.

    Example:
    >>> def predict(images):
    ...     if b"bad" in images:
    ...         raise RefusedError("no image")
    ...     return [{"length": len(image)} for image in images]
    >>> score_apart(predict, [b"a", b"bad", b"abc"])
    [{'length': 1}, 'no image', {'length': 3}]
    """
    if not image_bytes:
        return []
    try:
        return predict(image_bytes)
    except RefusedError as error:
        if len(image_bytes) == 1:
            return [" ".join(str(error).split())]
    middle = len(image_bytes) // 2
    return [
        row
        for part in (image_bytes[:middle], image_bytes[middle:])
        for row in score_apart(predict, part)
    ]


def with_retries(call: Callable[[], Any], *, num_retries: int) -> Any:
    """Calls again while the server is unavailable, after growing pauses.

    Args:
        call: What to do; raises `UnavailableError` to be called again.
        num_retries: How often to call again at the most.

    Returns:
        result: Of the first call that comes through.

    Raises:
        UnavailableError: Of the last call.
    """
    for attempt in range(num_retries):
        try:
            return call()
        except UnavailableError as error:
            pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
            pause *= random.uniform(0.5, 1.0)  # clients come back apart
            logging.warning("%s; again in %.1f s.", error, pause)
            time.sleep(pause)
    return call()


def chunks(
    paths: list[str], *, num_images: int, num_bytes: int = MAX_CHUNK_BYTES
) -> Iterator[list[str]]:
    """Cuts a list of files into chunks of bounded number and size.

    Args:
        paths: Files, in order; missing ones count as empty.
        num_images: Files in a chunk at the most.
        num_bytes: Sum of their sizes at the most, unless a file alone is
            larger.

    Yields:
        chunk: Files, at least one.
    """
    chunk, size = [], 0
    for path in paths:
        more = os.path.getsize(path) if os.path.isfile(path) else 0
        if chunk and (len(chunk) >= num_images or size + more > num_bytes):
            yield chunk
            chunk, size = [], 0
        chunk.append(path)
        size += more
    if chunk:
        yield chunk


def _read(path: str) -> bytes | str:
    """The image's bytes, or the reason why it cannot be read."""
    try:
        return image_files.read_image_bytes(path)
    except ValueError as error:
        return str(error)


def _score_chunk(score, paths: list[str]) -> list[ScoredFile]:
    contents = [_read(path) for path in paths]
    readable = [data for data in contents if isinstance(data, bytes)]
    rows = iter(score(readable))
    return [
        ScoredFile(path, data, next(rows))
        if isinstance(data, bytes)
        else ScoredFile(path, None, data)
        for path, data in zip(paths, contents, strict=True)
    ]


def score_files(
    score: Callable[[list[bytes]], list[ScoredRow]],
    paths: list[str],
    *,
    batch_size: int,
    num_parallel: int,
) -> Iterator[list[ScoredFile]]:
    """Scores image files, chunk by chunk, in order and in bounded memory.

    Args:
        score: From encoded images to `ScoredRow`s; called by threads.
        paths: The files.
        batch_size: Images in a chunk at the most.
        num_parallel: Chunks that are read and scored at once.

    Yields:
        scored: `ScoredFile`s of the next chunk.

    Raises:
        UnavailableError: If `score` does; chunks before have been yielded.
    """
    pool = ThreadPoolExecutor(num_parallel)
    waiting = collections.deque()
    try:
        for chunk in chunks(paths, num_images=batch_size):
            waiting.append(pool.submit(_score_chunk, score, chunk))
            if len(waiting) > num_parallel:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
