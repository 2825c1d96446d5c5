import os

import pytest
from conftest import encoded
from conftest import make_parts
from inspected import outputs

pytest.importorskip("apache_beam")

from ganad_tf.bulk.file_systems import FoundFile
from ganad_tf.bulk.shard import Shard
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.bulk.shard_scoring import ScoredShard
from ganad_tf.bulk.shard_scoring import Scoring
from ganad_tf.bulk.shard_scoring import score_shard
from ganad_tf.serving.scorer import Scorer


class FakeScorer(Scorer):
    """Scores an image by the length of its file."""

    def __init__(self):
        super().__init__("fake")
        self.batches = []

    def _inputs(self):
        return {"score": {"image_bytes"}, "inspect": {"image_bytes"}}

    def _predict(self, images, signature):
        self.batches.append((signature, len(images)))
        scores = dict.fromkeys(("frechet_score", "reconstruction_error"), 1.0)
        return [
            {**outputs(255), **scores, "anomaly_score": len(image) / 7}
            for image in images
        ]


@pytest.fixture
def shard(tmp_path):
    images = []
    for row, data in enumerate([*encoded(make_parts(5, seed=0)), b"junk"]):
        path = tmp_path / f"{row}.png"
        path.write_bytes(data)
        images.append(FoundFile(str(path), len(data)))
    return Shard(1, images, 2)


@pytest.fixture
def scoring(tmp_path):
    return Scoring(ShardFiles(str(tmp_path / "out"), 2), batch_size=2)


def test_each_image_has_a_row_or_a_reason(shard, scoring):
    scorer = FakeScorer()
    scored = score_shard(shard, scorer, scoring)
    assert scored.number == 1 and scored.num_skipped == 2
    assert [row.path for row in scored.rows] == [f.path for f in shard.images]
    assert [row.status == "ok" for row in scored.rows] == [True] * 5 + [False]
    assert scored.rows[0].anomaly_score == shard.images[0].size / 7
    assert "not an image" in scored.rows[5].status
    assert scorer.batches == [("score", 2), ("score", 2), ("score", 1)]


def test_batches_are_bounded_by_the_listed_bytes(shard, scoring):
    images = [FoundFile(file.path, 10 * 2**20) for file in shard.images]
    scorer = FakeScorer()
    score_shard(shard._replace(images=images), scorer, scoring)
    assert scorer.batches == [("score", 1)] * 5


def test_a_written_shard_is_not_scored_again(shard, scoring):
    scored = score_shard(shard, FakeScorer(), scoring)
    scoring.files.write(1, scored.rows)
    idle = FakeScorer()
    again = score_shard(shard, idle, scoring)
    assert not idle.batches and again.num_skipped == 2
    assert again.is_written and not scored.is_written
    assert [row.path for row in again.rows] == [r.path for r in scored.rows]
    fewer = shard._replace(images=shard.images[1:])
    score_shard(fewer, idle, scoring)
    assert sum(size for _, size in idle.batches) == 4


def test_maps_of_the_scored_images_are_saved(shard, scoring, tmp_path):
    maps = ShardFiles(str(tmp_path / "maps"), 2)
    scorer = FakeScorer()
    scoring = scoring._replace(maps=maps, map_threshold=5.0)
    score_shard(shard, scorer, scoring)
    assert {signature for signature, _ in scorer.batches} == {"inspect"}
    names = os.listdir(maps.folder)
    assert sum(name.endswith(".png") for name in names) == 5
    assert "regions-00001-of-00002.csv" in names


def test_a_shard_without_images_is_scored_at_once(scoring):
    empty = Shard(0, [], 3)
    scorer = FakeScorer()
    assert score_shard(empty, scorer, scoring) == ScoredShard(0, [], 3, False)
    assert not scorer.batches
