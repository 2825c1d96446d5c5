"""Scores image files, however many, into one table that can be resumed.

No TensorFlow is needed here: a scorer behind a server does without.
"""

from __future__ import annotations

import collections
import functools
import glob
import os
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from typing import Protocol

from absl import logging

from ganad_tf import progress
from ganad_tf import remote
from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.errors import UserError
from ganad_tf.scores_csv import Row
from ganad_tf.scores_csv import scored_row
from ganad_tf.serving.score_table import ResumableTable
from ganad_tf.serving.score_table import stamp
from ganad_tf.serving.scorer import BadAnswerError
from ganad_tf.serving.scorer import ScoredRow
from ganad_tf.serving.scorer import Scorer

MAX_CHUNK_BYTES = 16 * 2**20
# Over the images, each because the server has changed its version.
_MAX_PASSES = 5


class ScoredFile(NamedTuple):
    """One file and its outputs."""

    path: str
    stamp: str  # of the file, before it was read
    version: str  # of the model that answered
    image_bytes: bytes | None  # None where the file could not be read
    row: ScoredRow


class Maps(Protocol):
    """Where the anomaly maps go; `map_folder.MapFolder` is one."""

    path: str

    def resume(self, paths: set[str]) -> None:
        """Keeps what an earlier run saved of these images, and only that."""

    def save(self, path: str, image_bytes: bytes, outputs: dict) -> None:
        """Saves the map of one image."""


def list_image_paths(pattern: str) -> list[str]:
    """Lists image files.

    Args:
        pattern: A file, a folder (any depth) or a glob pattern, here or
            anywhere (`remote`).

    Returns:
        paths: Sorted paths of the files.

    Raises:
        UserError: If there is none.
    """
    if remote.is_dir(pattern):
        return sorted(file.path for file in dataset.list_images(pattern))
    find = remote.glob if remote.is_remote(pattern) else glob.glob
    matches = [pattern] if remote.is_file(pattern) else find(pattern)
    paths = sorted(path for path in matches if remote.is_file(path))
    if not paths:
        raise UserError(
            f"There is no image at {pattern}. Expected a file, a folder or a "
            "glob pattern"
        )
    return paths


def score_images(
    scorer: Scorer,
    paths: list[str],
    output: str,
    *,
    maps: Maps | None = None,
    batch_size: int = 64,
    num_parallel: int = 1,
) -> list[Row]:
    """Scores image files and writes the table of their scores.

    An interrupted run is resumed by the same call. An image that cannot be
    scored has a row with the reason. All rows are of one version: where a
    server changes to another one, the images before are scored again.

    Args:
        scorer: A SavedModel here, or the client of a server.
        paths: The files.
        output: CSV file to write.
        maps: Where to save the anomaly maps, if at all.
        batch_size: Images in a request at most.
        num_parallel: Requests at once.

    Returns:
        rows: `Row`s in sorted order of their paths.

    Raises:
        UserError: If the model has no signature for this, `output` cannot be
            written, or the server changes its version all the time.
        UnavailableError: If a server stays unavailable.
    """
    signature = "inspect" if maps else "score"
    scorer.check(signature)
    source = f"{scorer.source} --maps_dir={maps and maps.path}"
    with ResumableTable(output, source, scorer.version) as table:
        for _ in range(_MAX_PASSES):
            missing = _resume(table, paths, maps)
            logging.info("Scoring %d images by %s.", len(missing), source)
            scored = score_files(
                functools.partial(scorer.score, signature=signature),
                missing,
                batch_size=batch_size,
                num_parallel=num_parallel,
                version=lambda: scorer.version,
            )
            for chunk in _logged(scored, total=len(missing)):
                _keep(chunk, table, maps)
            table.keep(scorer.version)
            if table.rows.keys() >= set(paths):
                return table.finish(sorted(paths))
    raise UserError(
        f"{scorer.source} changed its version {_MAX_PASSES} times during the "
        "run. Expected an address that names the version"
    )


def _resume(
    table: ResumableTable, paths: list[str], maps: Maps | None
) -> list[str]:
    """The images that have no row yet."""
    done = table.rows.keys() & set(paths)
    if done:
        logging.info("%d images are scored already.", len(done))
    if maps:
        maps.resume(done)
    return [path for path in sorted(paths) if path not in done]


def _keep(
    chunk: list[ScoredFile], table: ResumableTable, maps: Maps | None
) -> None:
    """Saves maps first: an image with a row is not scored again."""
    rows = [table_row(file) for file in chunk]
    for file in chunk if maps else ():
        if isinstance(file.row, dict):
            maps.save(file.path, file.image_bytes, file.row)
    stamps = [file.stamp for file in chunk]
    table.append(rows, stamps=stamps, version=chunk[0].version)


def table_row(file: ScoredFile) -> Row:
    """The row of a file in `scores.csv`.

    Args:
        file: One of `score_files`.

    Returns:
        row: Its scalars, or the reason why it has none.

    Raises:
        BadAnswerError: If its outputs are not those of an exported model.
    """
    if isinstance(file.row, str):
        return Row(file.path, status=file.row)
    try:
        return scored_row(file.path, file.row)
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswerError(
            f"The scores of {file.path} are not those of an exported model: "
            f"{type(error).__name__}: {error}"
        ) from error


def _logged(
    chunks: Iterator[list[ScoredFile]], *, total: int
) -> Iterator[list[ScoredFile]]:
    """The chunks, with a line of progress now and then."""
    done, start = 0, time.monotonic()
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        logging.log_every_n_seconds(
            logging.INFO,
            "%s.",
            progress.INTERVAL,
            progress.progress_line(
                "Scored images", done, total, time.monotonic() - start
            ),
        )


def size_of_file(path: str) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        if remote.is_remote(path):
            return remote.size_and_time(path)[0]
        return os.path.getsize(path)
    except (OSError, UserError):
        return 0


def read_or_reason(path: str) -> bytes | str:
    """The bytes of an image file, or why it cannot be used."""
    try:
        return image_files.read_image_bytes(path)
    except UserError as error:
        return str(error)


def score_files(
    score: Callable[[list[bytes]], list[ScoredRow]],
    paths: list[str],
    *,
    batch_size: int,
    num_parallel: int,
    version: Callable[[], str] = str,
    read: Callable[[str], bytes | str] = read_or_reason,
    size: Callable[[str], int] = size_of_file,
) -> Iterator[list[ScoredFile]]:
    """Scores image files, chunk by chunk, in order and in bounded memory.

    Args:
        score: From encoded images to `ScoredRow`s; called by threads.
        paths: The files.
        batch_size: Images in a chunk at most.
        num_parallel: Chunks that are read and scored at once.
        version: Says which version of the model answers now; by default none
            is known.
        read: The bytes of a file, or the reason why it has none; called by
            threads.
        size: The bytes of a file, before it is read.

    Yields:
        scored: `ScoredFile`s of the next chunk, all of one version.

    Raises:
        UnavailableError: If `score` does; chunks before have been yielded.
    """
    pool = ThreadPoolExecutor(num_parallel)
    waiting = collections.deque()
    try:
        for chunk in chunk_paths(paths, num_images=batch_size, size=size):
            # Results are yielded in order; memory holds the chunks that wait.
            waiting.append(
                pool.submit(_score_chunk, score, version, read, chunk)
            )
            if len(waiting) > num_parallel:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # After an error: requests under way end by themselves, others do not
        # begin.
        pool.shutdown(wait=False, cancel_futures=True)


def chunk_paths(
    paths: list[str],
    *,
    num_images: int,
    num_bytes: int = MAX_CHUNK_BYTES,
    size: Callable[[str], int] = size_of_file,
) -> Iterator[list[str]]:
    """Cuts a list of files into chunks of bounded number and size.

    Args:
        paths: Files, in order; missing ones count as empty.
        num_images: Files in a chunk at most.
        num_bytes: Sum of their sizes at most, unless a file alone is larger.
        size: The bytes of a file.

    Yields:
        chunk: Files, at least one.
    """
    chunk, total = [], 0
    for path in paths:
        more = size(path)
        if chunk and (len(chunk) >= num_images or total + more > num_bytes):
            yield chunk
            chunk, total = [], 0
        chunk.append(path)
        total += more
    if chunk:
        yield chunk


def _score_chunk(score, version, read, paths: list[str]) -> list[ScoredFile]:
    stamps = [stamp(path) for path in paths]
    contents = [read(path) for path in paths]
    readable = [data for data in contents if isinstance(data, bytes)]
    rows, answered = _score_by_one_version(score, version, readable)
    rows = iter(rows)
    return [
        ScoredFile(path, written, answered, data, next(rows))
        if isinstance(data, bytes)
        else ScoredFile(path, written, answered, None, data)
        for path, written, data in zip(paths, stamps, contents, strict=True)
    ]


def _score_by_one_version(
    score, version, images: list[bytes]
) -> tuple[list[ScoredRow], str]:
    """Rows, and the version that gave all of them."""
    for _ in range(_MAX_PASSES):
        asked = version()
        rows = score(images)
        if version() == asked:
            return rows, asked
    raise UserError(
        "The server changes its version too often to score a request by one. "
        "Expected an address that names the version"
    )
