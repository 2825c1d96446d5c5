"""A run of bulk scoring: checked, watched, and resumed where it broke off."""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

from absl import logging
from apache_beam.options.pipeline_options import PipelineOptions

from ganad_tf import progress
from ganad_tf import remote
from ganad_tf.bulk import file_systems
from ganad_tf.bulk import pipeline as scoring_pipeline
from ganad_tf.bulk import runners
from ganad_tf.bulk import shard_files
from ganad_tf.bulk.model_handler import ShardModelHandler
from ganad_tf.bulk.pipeline import ImageSource
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.bulk.shard_scoring import Scoring
from ganad_tf.errors import UserError
from ganad_tf.serving.scorer import Scorer

_IMAGES_A_SHARD = 10_000


def score_in_bulk(
    source: ImageSource,
    output: str,
    scorer: Scorer,
    options: PipelineOptions,
    *,
    num_shards: int | None = None,
    maps_dir: str | None = None,
    batch_size: int = 64,
    share_model: bool = False,
) -> dict[str, Any]:
    """Scores images by the workers of a runner.

    Where an earlier run of the same arguments broke off, this one takes over
    the shards that are written.

    Args:
        source: The images.
        output: Folder to write, on any file system of Beam; workers and this
            process see the same one.
        scorer: The model, whose folder all workers can read.
        options: Of Beam.
        num_shards: How many parts the images are divided into: the unit of
            work, and of the memory for rows. By default a power of 2 by the
            number of images.
        maps_dir: Folder for pictures and regions of the maps, if at all.
        batch_size: Most images in a batch, of 16 MiB at most.
        share_model: Whether the processes of a machine share one model.

    Returns:
        summary: Content of `summary.json`.

    Raises:
        UserError: If there is no image, the model lacks a signature, or
            `output` holds another or a finished run.
    """
    num_images = sum(1 for _ in file_systems.list_images(source.images))
    source = _checked(source)
    num_shards = num_shards or choose_num_shards(num_images)
    output = remote.absolute(output)
    files = ShardFiles(output, num_shards)
    scoring = Scoring(
        files,
        batch_size,
        maps_dir and ShardFiles(remote.absolute(maps_dir), num_shards),
        scorer.manifest.get("map_threshold"),
    )
    scorer.check(scoring.signature)
    run = {
        **source._asdict(),
        "saved_model": scorer.source,
        "model_version": scorer.version,
        "num_shards": num_shards,
        "maps_dir": maps_dir,
    }
    _claim(output, run)
    handler = ShardModelHandler(
        scorer.source, scorer.version, scoring, share_model=share_model
    )
    logging.info("%d images in %d shards.", num_images, num_shards)
    with _logged(files):
        runners.run(
            options,
            lambda p: scoring_pipeline.build(
                p, source, files, handler, run=run
            ),
        )
    path = file_systems.join(output, shard_files.SUMMARY)
    return json.loads(file_systems.read_bytes(path))


def _checked(source: ImageSource) -> ImageSource:
    """The source as workers take it; an earlier run must have scores."""
    if source.skip_scored is None:
        return source
    earlier = remote.absolute(source.skip_scored)
    next(shard_files.scored_paths(earlier), None)
    return source._replace(skip_scored=earlier)


def choose_num_shards(num_images: int) -> int:
    """A number of shards that bounds the rows of each.

    Powers of 2, so that the number is the same when some images are added.

    Example:
    >>> choose_num_shards(300), choose_num_shards(1_000_000)
    (16, 128)
    """
    shards = num_images / _IMAGES_A_SHARD
    return 2 ** max(4, math.ceil(math.log2(max(shards, 1))))


def _claim(output: str, run: dict[str, Any]) -> None:
    """Marks a folder as this run's, if it is no other's."""
    names = file_systems.list_names(output)
    path = file_systems.join(output, shard_files.RUN)
    if shard_files.SUMMARY in names:
        raise UserError(
            f"{output} holds a finished run. Expected another --output; with "
            "--skip_scored it gets only the images that are new"
        )
    text = json.dumps(run, indent=2) + "\n"
    if shard_files.RUN in names:
        if file_systems.read_bytes(path).decode() != text:
            raise UserError(
                f"{output} holds a run with other arguments, see {path}. "
                "Expected the same ones, or another --output"
            )
        logging.info("Going on with the run in %s.", output)
    elif names:
        raise UserError(
            f"{output} is not empty. Expected a new folder as --output"
        )
    file_systems.write_bytes(path, text.encode())


@contextlib.contextmanager
def _logged(files: ShardFiles) -> Iterator[None]:
    """Logs the progress while the block runs, whoever does the work."""
    ended = threading.Event()
    thread = threading.Thread(
        target=_log_shards, args=(files, ended), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _log_shards(files: ShardFiles, ended: threading.Event) -> None:
    before, start = files.num_written(), time.monotonic()
    while not ended.wait(progress.INTERVAL):
        done, total = files.num_written() - before, files.num_shards - before
        if done:
            seconds = time.monotonic() - start
            logging.info(
                "%s.",
                progress.progress_line("Written shards", done, total, seconds),
            )
