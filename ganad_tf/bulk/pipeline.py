"""The Beam pipeline of bulk scoring: from a pattern to tables and a summary.

Only names of images are shuffled, by shard. A shard is then read, scored and
written by one task, so any number of repeats leaves one row an image.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import RunInference

from ganad_tf.bulk import file_systems
from ganad_tf.bulk import run_summary
from ganad_tf.bulk import shard_files
from ganad_tf.bulk.file_systems import FoundFile
from ganad_tf.bulk.model_handler import ShardModelHandler
from ganad_tf.bulk.shard import Shard
from ganad_tf.bulk.shard import make_shard
from ganad_tf.bulk.shard import shard_of
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.bulk.shard_scoring import ScoredShard

# What is shuffled: the shard, and bytes of a name with the file's size. Where
# an earlier run has scored the image the size is None, and a name of None
# makes sure that there is such a shard. Beam's coders refuse names that are no
# text, bytes they take.
_Found = tuple[int, tuple[bytes | None, int | None]]


class ImageSource(NamedTuple):
    """Which images a run scores."""

    images: str  # file, folder or glob pattern
    skip_scored: str | None  # output of an earlier run


def build(
    pipeline: beam.Pipeline,
    source: ImageSource,
    files: ShardFiles,
    handler: ShardModelHandler,
    *,
    run: dict[str, Any],
) -> None:
    """Adds all steps to a pipeline.

    They are one chain, as Beam's Dask runner computes what the last step
    needs. It also makes as many partitions as there are after `Create`.

    Args:
        pipeline: A `beam.Pipeline`.
        source: The images.
        files: What is written.
        handler: Scores shards.
        run: What the summary says of the run.
    """
    shards = pipeline | "Shards" >> beam.Create(range(files.num_shards))
    listed = pipeline | "Images" >> beam.Create([source.images])
    found = [
        shards | beam.Map(lambda number: (number, (None, None))),
        listed | beam.FlatMap(_listed, files.num_shards),
    ]
    if source.skip_scored:
        earlier = pipeline | "Earlier" >> beam.Create([source.skip_scored])
        found.append(earlier | beam.FlatMap(_scored, files.num_shards))
    _ = (
        found
        | beam.Flatten()
        | beam.GroupByKey()
        | beam.MapTuple(_shard)
        | beam.Map(lambda shard: [shard])
        | RunInference(handler)
        | beam.ParDo(_WriteShard(files))
        | beam.CombineGlobally(run_summary.merge).without_defaults()
        | beam.Map(_write_summary, files.folder, run)
    )


def _listed(images: str, num_shards: int) -> Iterator[_Found]:
    for path, size in file_systems.list_images(images):
        name = os.fsencode(path)
        yield shard_of(name, num_shards), (name, size)


def _scored(folder: str, num_shards: int) -> Iterator[_Found]:
    for path in shard_files.scored_paths(folder):
        name = os.fsencode(path)
        yield shard_of(name, num_shards), (name, None)


def _shard(number: int, found: Iterable) -> Shard:
    named = [(os.fsdecode(name), size) for name, size in found if name]
    return make_shard(
        number,
        [FoundFile(path, size) for path, size in named if size is not None],
        [path for path, size in named if size is None],
    )


class _WriteShard(beam.DoFn):
    """Writes the files of a shard, counts its rows and sums them up."""

    def __init__(self, files: ShardFiles):
        super().__init__()
        self._files = files

    def process(self, scored: ScoredShard) -> Iterator[run_summary.Summary]:
        if not scored.is_written:
            self._files.write(scored.number, scored.rows)
        summary = run_summary.summary_of(scored)
        for key, count in summary.items():
            if key[0] in ("images", "skipped", "decision"):
                Metrics.counter("ganad_tf", "_".join(key)).inc(count)
        yield summary


def _write_summary(
    summary: run_summary.Summary, folder: str, run: dict[str, Any]
) -> None:
    content = {**run_summary.to_json(summary), "run": run}
    text = json.dumps(content, indent=2) + "\n"
    path = file_systems.join(folder, shard_files.SUMMARY)
    file_systems.write_bytes(path, text.encode())
