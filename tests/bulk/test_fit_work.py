import os
import uuid

import numpy as np
import pytest

pytest.importorskip("apache_beam")

from ganad_tf import remote
from ganad_tf.bulk import fit_work
from ganad_tf.bulk.fit_work import FitWork
from ganad_tf.data.listing import ImageFile
from ganad_tf.detector import model_folder
from ganad_tf.detector.fitting import CalibrationMeasures
from ganad_tf.errors import UserError


@pytest.fixture(params=["local", "remote"])
def folder(request, tmp_path):
    """A folder of parts, here or in TensorFlow's memory."""
    if request.param == "local":
        return str(tmp_path / "fitting-1")
    return f"ram://{uuid.uuid4().hex}/model/fitting-1"


def image(path):
    return ImageFile(path, os.path.basename(path), 0, "good", "pool")


def work(folder, weights=""):
    return FitWork(folder, "model", {"alpha": 0.1}, weights)


@pytest.mark.parametrize(
    ("count", "most", "least", "sizes"),
    [
        (5, 9, 1, [1] * 5),
        (33, 9, 1, [3] * 11),
        (40, 2, 1, [2] * 20),
        (40, 2, 20, [20, 20]),
        (0, 9, 1, []),
    ],
)
def test_shards_have_all_images_in_order(count, most, least, sizes):
    files = [image(f"/in/\udcff{n}.png") for n in range(count)]
    shards = fit_work.make_shards(files, most=most, least=least)
    assert [len(shard.files) for shard in shards] == sizes
    assert [f for shard in shards for f in shard.files] == files
    assert [shard.number for shard in shards] == list(range(len(sizes)))
    starts = np.cumsum([0, *sizes])[:-1]
    assert [shard.first_image for shard in shards] == list(starts)


def test_workers_in_other_folders_find_the_images():
    (shard,) = fit_work.make_shards([image("in/a.png")], most=1)
    assert shard.files[0].path == os.path.abspath("in/a.png")


def test_measures_come_back_in_the_order_of_the_shards(folder):
    maps = [np.full([2, 4, 4, 2], float(n)) for n in range(3)]
    for number in (2, 0, 1, 2):  # one of them twice
        rows = np.full([2, 3], float(number))
        measures = CalibrationMeasures(rows, rows[:, :2], [maps[number]])
        work(folder).write_measures(number, measures)
    log_parts, tails, found = work(folder).read_measures(3)
    assert log_parts[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert tails.shape == (6, 2)
    np.testing.assert_array_equal(list(found), maps)


def test_the_folder_of_parts_is_removed(folder):
    model_dir = folder.rpartition("/")[0]
    with (
        pytest.raises(UserError, match="stopped"),
        fit_work.parts_folder(model_dir) as parts,
    ):
        work(parts).write_statistics({"a/b_": np.arange(3)})
        assert list(work(parts).read_statistics()) == ["a/b_"]
        raise UserError("stopped")
    assert remote.list_dir(parts) == []
    with fit_work.parts_folder(model_dir) as other:
        assert other != parts


def test_other_networks_than_the_run_began_with_are_an_error(
    parts_detector, folder, monkeypatch
):
    monkeypatch.setattr(
        model_folder, "load_unfitted", lambda *_: parts_detector
    )
    with pytest.raises(UserError, match="model has changed since the run"):
        work(folder, "another digest").load_detector()
