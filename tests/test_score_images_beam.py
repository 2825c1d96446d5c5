"""The tool, in processes of this machine."""

import glob
import json

import pytest
from conftest import make_parts
from conftest import write_images
from tool_runner import done

pytest.importorskip("apache_beam")

from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.serving import score_files
from ganad_tf.serving.saved_model import SavedModelScorer

NUM_IMAGES, NUM_BAD = 300, 3


def test_workers_give_the_rows_of_score_images(exported, tmp_path):
    images = tmp_path / "images"
    for day in range(3):
        write_images(images / f"day{day}", make_parts(100, seed=day))
        (images / f"day{day}" / "part007.png").write_bytes(b"\x89PNG" * day)
    output = tmp_path / "out"
    answer = done(
        "score_images_beam",
        images=str(images),
        saved_model=exported,
        output=str(output),
        direct_num_workers=2,
        num_shards=8,
    )
    expected = score_files.score_images(
        SavedModelScorer(exported),
        score_files.list_image_paths(str(images)),
        str(tmp_path / "scores.csv"),
    )
    files = ShardFiles(str(output), 8)
    rows = sorted(row for shard in range(8) for row in files.read(shard))
    assert len(rows) == NUM_IMAGES
    for row, other in zip(rows, expected, strict=True):
        assert (row.path, row.status) == (other.path, other.status)
        assert row.is_defective == other.is_defective
        if other.status == "ok":
            assert row[2:6] == pytest.approx(other[2:6], rel=1e-4)
    assert len(glob.glob(f"{output}/scores-*.parquet")) == 8
    summary = json.loads((output / "summary.json").read_text())
    assert summary["statuses"]["ok"] == NUM_IMAGES - NUM_BAD
    assert sum(f["images"] for f in summary["folders"].values()) == NUM_IMAGES
    assert f"{NUM_IMAGES} images: " in answer.stdout
    assert f"{NUM_BAD} not scored. Scores: {output}" in answer.stdout
    assert "Beam's counter images: 300" in answer.stderr
