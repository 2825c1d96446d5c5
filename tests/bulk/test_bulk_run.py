import glob
import json
import os
import pathlib
import shutil

import pytest
from conftest import make_parts
from conftest import write_images

pytest.importorskip("apache_beam")

from ganad_tf.bulk import bulk_run
from ganad_tf.bulk import runners
from ganad_tf.bulk.pipeline import ImageSource
from ganad_tf.errors import UserError
from ganad_tf.serving.saved_model import SavedModelScorer

HERE = ["--runner=BundleBasedDirectRunner"]


@pytest.fixture
def images(tmp_path):
    write_images(tmp_path / "images", make_parts(12, seed=0))
    return str(tmp_path / "images")


@pytest.fixture
def score(exported, images, tmp_path):
    def run(**changes):
        arguments = {
            "source": ImageSource(images, None),
            "output": str(tmp_path / "out"),
            "scorer": SavedModelScorer(exported),
            "options": runners.runner_options(HERE),
            "num_shards": 4,
            **changes,
        }
        return bulk_run.score_in_bulk(**arguments)

    return run


def test_an_interrupted_run_scores_only_what_is_missing(score, tmp_path):
    first = score()
    assert first["images"] == 12
    with pytest.raises(UserError, match="holds a finished run"):
        score()
    os.remove(tmp_path / "out" / "summary.json")
    tables = sorted(glob.glob(str(tmp_path / "out" / "*-of-*")))
    contents = [pathlib.Path(path).read_bytes() for path in tables]
    os.remove(next(path for path in tables if path.endswith("4.csv")))
    assert score() == first
    assert [pathlib.Path(path).read_bytes() for path in tables] == contents


def test_a_folder_of_another_run_is_refused(score, tmp_path):
    score()
    os.remove(tmp_path / "out" / "summary.json")
    with pytest.raises(UserError, match="run with other arguments"):
        score(num_shards=5)
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="is not empty"):
        score()


def test_no_image_is_an_error_that_leaves_nothing(score, tmp_path):
    source = ImageSource(str(tmp_path / "nowhere"), None)
    with pytest.raises(UserError, match="no image at .*nowhere"):
        score(source=source)
    assert not (tmp_path / "out").exists()


def test_an_earlier_run_must_have_scores(score, images, tmp_path):
    source = ImageSource(images, str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="no scores in .*nowhere"):
        score(source=source)
    assert not (tmp_path / "out").exists()


def test_maps_go_to_their_folder(score, tmp_path):
    score(maps_dir=str(tmp_path / "maps"))
    names = os.listdir(tmp_path / "maps")
    assert sum(name.endswith(".png") for name in names) == 12
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["maps_dir"] == str(tmp_path / "maps")
