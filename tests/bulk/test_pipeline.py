import glob
import json

import pytest
from conftest import make_parts
from conftest import write_images

pytest.importorskip("apache_beam")

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from ganad_tf.bulk import pipeline
from ganad_tf.bulk.model_handler import ShardModelHandler
from ganad_tf.bulk.pipeline import ImageSource
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.bulk.shard_scoring import Scoring
from ganad_tf.scores_csv import from_csv
from ganad_tf.serving import score_files
from ganad_tf.serving.saved_model import SavedModelScorer


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    write_images(folder / "a", make_parts(12, seed=0))
    write_images(folder / "b", make_parts(8, seed=1))
    (folder / "a" / "part003.png").write_bytes(b"junk")
    (folder / "b" / "e\udcff.png").write_bytes(b"")
    return str(folder)


def run(exported, output, images, *, skip_scored=None, num_shards=4):
    files = ShardFiles(str(output), num_shards)
    version = SavedModelScorer(exported).version
    handler = ShardModelHandler(exported, version, Scoring(files, 5))
    options = PipelineOptions(["--runner=BundleBasedDirectRunner"])
    with beam.Pipeline(options=options) as made:
        source = ImageSource(images, skip_scored)
        pipeline.build(made, source, files, handler, run={"seed": 0})
    return read(output), json.loads((output / "summary.json").read_text())


def read(output):
    rows = []
    for path in sorted(glob.glob(f"{glob.escape(str(output))}/scores-*.csv")):
        with open(path, newline="", errors="surrogateescape") as file:
            rows += from_csv(file.read())
    return sorted(rows)


def test_rows_are_those_of_score_images(exported, images, tmp_path):
    rows, summary = run(exported, tmp_path / "out", images)
    expected = score_files.score_images(
        SavedModelScorer(exported),
        score_files.list_image_paths(images),
        str(tmp_path / "scores.csv"),
    )
    assert len(rows) == 21
    for row, other in zip(rows, sorted(expected), strict=True):
        assert (row.path, row.is_defective, row.status) == (
            other.path,
            other.is_defective,
            other.status,
        )
        if other.status == "ok":
            assert row[2:6] == pytest.approx(other[2:6], rel=1e-4)
        else:
            assert row == other
    assert summary["images"] == 21 and summary["run"] == {"seed": 0}
    assert summary["statuses"] == {"empty file": 1, "not an image": 1, "ok": 19}


def test_only_new_images_are_scored_after_an_earlier_run(
    exported, images, tmp_path
):
    before, _ = run(exported, tmp_path / "one", f"{images}/a")
    rows, summary = run(
        exported,
        tmp_path / "two",
        images,
        skip_scored=str(tmp_path / "one"),
        num_shards=3,
    )
    assert summary["skipped"] == len(before) == 12
    assert {row.path for row in rows} == {
        path for path in score_files.list_image_paths(images) if "/b/" in path
    }
