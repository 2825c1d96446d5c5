"""The stream of scores that a monitor reads, in the order of time.

Sources are `scores.csv`, its shards (CSV or Parquet), and request logs of
TensorFlow Serving.
"""

from __future__ import annotations

import csv
import glob
import importlib
import os
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from ganad_tf.artifacts import path_errors
from ganad_tf.errors import UserError
from ganad_tf.score_parts import UNJUDGED_SCORE

_NUMBERS = (
    "p_value",
    "anomaly_score",
    "frechet_score",
    "reconstruction_error",
)
ORDERS = ("rows", "time")


class ScoredImage(NamedTuple):
    """One image of the stream."""

    path: str  # of the image, or its place in a log
    p_value: float
    anomaly_score: float
    frechet_score: float
    reconstruction_error: float
    is_defective: bool
    image_bytes: bytes | None = None  # of a log; else the file has them


def read_stream(
    pattern: str, *, order: str = ORDERS[0]
) -> tuple[list[ScoredImage], int]:
    """Reads scored images of one or more files.

    Args:
        pattern: Files and glob patterns, separated by commas: `*.csv`,
            `*.parquet`, and anything else as a log of TensorFlow Serving.
        order: "rows": files by their names, rows as they have them. "time":
            by the time at which the image files changed last.

    Returns:
        images: `ScoredImage`s in the order of time.
        num_skipped: Images without scores, which say nothing.

    Raises:
        UserError: If there is no such file, one is no table of scores, or no
            image has scores.
    """
    images, num_skipped = [], 0
    for path in _paths(pattern):
        for image in _read(path):
            if image is None:
                num_skipped += 1
            else:
                images.append(image)
    if not images:
        raise UserError(
            f"No image of {pattern} has scores. Expected at least one with a "
            f"p_value; {num_skipped} have none"
        )
    if order == "time":
        with path_errors("read", "an image of --order=time"):
            images.sort(key=lambda image: os.stat(image.path).st_mtime_ns)
    return images, num_skipped


def _paths(pattern: str) -> list[str]:
    paths = []
    for one in pattern.split(","):
        found = [one] if os.path.isfile(one) else sorted(glob.glob(one))
        if not found:
            raise UserError(
                f"There is no file {one}. Expected scores.csv, its shards or a "
                "request log"
            )
        paths += found
    return paths


def _read(path: str) -> Iterator[ScoredImage | None]:
    if path.endswith(".csv"):
        return _read_table(path, _csv_rows(path))
    if path.endswith(".parquet"):
        return _read_table(path, _parquet_rows(path))
    return _read_log(path)


def _csv_rows(path: str) -> Iterator[dict[str, Any]]:
    with (
        path_errors("read", path),
        open(path, newline="", errors="surrogateescape") as file,
    ):
        yield from csv.DictReader(file)


def _parquet_rows(path: str) -> Iterator[dict[str, Any]]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UserError(
            f"Reading {path} needs pyarrow: pip install pyarrow"
        ) from error
    with path_errors("read", path):
        yield from parquet.read_table(path).to_pylist()


def _read_table(
    path: str, rows: Iterable[dict[str, Any]]
) -> Iterator[ScoredImage | None]:
    for number, row in enumerate(rows):
        if "path" not in row or "p_value" not in row:
            raise UserError(
                f"{path} is no table of scores. Expected the columns path and "
                f"p_value. Received: {', '.join(map(str, row))}"
            )
        try:
            yield _image(str(row["path"]), row)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"Row {number + 1} of {path} is no row of scores: {error}"
            ) from error


def _read_log(path: str) -> Iterator[ScoredImage | None]:
    # TensorFlow starts for logs alone.
    log = importlib.import_module("ganad_tf.production.prediction_log")
    for number, (row, image_bytes) in enumerate(log.read_rows(path)):
        yield _image(f"{path}#{number}", row, image_bytes)


def _image(
    path: str, row: dict[str, Any], image_bytes: bytes | None = None
) -> ScoredImage | None:
    """The image of a row; None if the row has no scores."""
    if row["p_value"] in (None, ""):
        return None
    numbers = [row.get(name) for name in _NUMBERS]
    p_value, *scores = (
        UNJUDGED_SCORE if number in (None, "") else float(number)
        for number in numbers
    )
    if not 0.0 < p_value <= 1.0:
        raise ValueError(f"p_value={p_value:g} is not in (0, 1]")
    # Empty cells, "0", "False" and numbers of a log.
    decided = str(row.get("is_defective")).lower() in ("1", "true", "1.0")
    return ScoredImage(path, p_value, *scores, decided, image_bytes)
