"""Scores the images of a shard, as `score_files.score_images` scores files."""

from __future__ import annotations

import functools
from typing import NamedTuple

from ganad_tf.bulk import file_systems
from ganad_tf.bulk.shard import Shard
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.bulk.shard_maps import ShardMaps
from ganad_tf.scores_csv import Row
from ganad_tf.serving import score_files
from ganad_tf.serving.scorer import Scorer


class Scoring(NamedTuple):
    """What all shards of a run have in common."""

    files: ShardFiles
    batch_size: int  # most images in a batch, of 16 MiB at most
    maps: ShardFiles | None = None  # where maps go, if at all
    map_threshold: float | None = None  # of the model's manifest

    @property
    def signature(self) -> str:
        """The model's signature that gives what is written."""
        return "inspect" if self.maps else "score"


class ScoredShard(NamedTuple):
    """A shard with a row for each of its images."""

    number: int
    rows: list[Row]
    num_skipped: int
    is_written: bool  # its files are there already


def score_shard(shard: Shard, scorer: Scorer, scoring: Scoring) -> ScoredShard:
    """Scores a shard, in memory for two batches of images and for its rows.

    A shard that is written already, of the same images, is read instead: an
    interrupted run goes on, and a repeated task costs nothing.

    Args:
        shard: Its images.
        scorer: The model.
        scoring: How and where to.

    Returns:
        scored: `Row`s in sorted order of their paths.
    """
    rows = scoring.files.read(shard.number)
    is_written = rows is not None and _is_of(rows, shard)
    if not is_written:
        rows = _score(shard, scorer, scoring)
    return ScoredShard(shard.number, rows, shard.num_skipped, is_written)


def _is_of(rows: list[Row], shard: Shard) -> bool:
    return [row.path for row in rows] == [file.path for file in shard.images]


def _score(shard: Shard, scorer: Scorer, scoring: Scoring) -> list[Row]:
    maps = scoring.maps and ShardMaps(
        scoring.maps, shard.number, scoring.map_threshold
    )
    sizes = dict(shard.images)
    rows = []
    for chunk in score_files.score_files(
        functools.partial(scorer.score, signature=scoring.signature),
        list(sizes),
        batch_size=scoring.batch_size,
        num_parallel=1,
        read=file_systems.read_image_or_reason,
        size=sizes.__getitem__,
    ):
        rows += map(score_files.table_row, chunk)
        for file in chunk if maps else ():
            if isinstance(file.row, dict):
                maps.save(file.path, file.image_bytes, file.row)
    if maps:
        maps.finish()
    return rows
