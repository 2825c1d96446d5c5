import csv
import os
import shutil
import threading

import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.errors import UserError
from ganad_tf.score_parts import SCALARS
from ganad_tf.serving import map_folder
from ganad_tf.serving import score_files
from ganad_tf.serving.client import UnavailableError
from ganad_tf.serving.scorer import BadAnswerError
from ganad_tf.serving.scorer import Scorer


def test_chunks_are_bounded_by_number_and_size(tmp_path):
    paths = []
    for row, size in enumerate([10, 10, 10, 500, 10, 60, 60]):
        paths.append(str(tmp_path / str(row)))
        (tmp_path / str(row)).write_bytes(bytes(size))
    chunks = list(score_files.chunk_paths(paths, num_images=2, num_bytes=100))
    assert [len(chunk) for chunk in chunks] == [2, 1, 1, 2, 1]
    assert sum(chunks, []) == paths
    assert list(score_files.chunk_paths([], num_images=2)) == []


def test_files_come_in_order_with_reasons_and_few_at_once(tmp_path):
    write_images(tmp_path, make_parts(9, seed=0))
    (tmp_path / "part004.png").write_bytes(b"junk")
    paths = sorted(str(path) for path in tmp_path.iterdir())
    lock, running, most = threading.Lock(), [0], [0]

    def score(images):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1
        return [{"size": len(image)} for image in images]

    files = sum(
        score_files.score_files(score, paths, batch_size=2, num_parallel=2), []
    )
    assert [file.path for file in files] == paths
    assert files[4].image_bytes is None and "not an image" in files[4].row
    assert files[5].row == {"size": len(files[5].image_bytes)}
    assert most[0] <= 2


def test_chunks_before_an_outage_are_not_lost(tmp_path):
    write_images(tmp_path, make_parts(6, seed=0))
    paths = sorted(str(path) for path in tmp_path.iterdir())
    calls = []

    def score(images):
        calls.append(images)
        if len(calls) > 2:
            raise UnavailableError("gone")
        return ["fine"] * len(images)

    done = []
    with pytest.raises(UnavailableError):
        for scored in score_files.score_files(
            score, paths, batch_size=2, num_parallel=1
        ):
            done += scored
    assert [file.path for file in done] == paths[:4]


class LengthScorer(Scorer):
    """Scores an image by the length of its file; may fail at a request."""

    def __init__(self, num_requests=99):
        super().__init__("fake://model")
        self.left, self.scored = num_requests, []

    def _inputs(self):
        return {"score": {"image_bytes"}, "inspect": {"image_bytes"}}

    def _predict(self, images, signature):
        if not self.left:
            raise UnavailableError("gone")
        self.left -= 1
        self.scored += images
        return [
            {**dict.fromkeys(SCALARS, len(i) / 7), "is_defective": False}
            for i in images
        ]


class ChangingScorer(LengthScorer):
    """Is of another version after some requests."""

    def __init__(self, *changes, num_requests=99):
        super().__init__(num_requests)
        self.version, self.changes = "1", dict(changes)

    def _predict(self, images, signature):
        rows = super()._predict(images, signature)
        self.version = self.changes.get(99 - self.left, self.version)
        return [{**r, "p_value": float(self.version)} for r in rows]


class FakeMaps:
    path = "maps"

    def __init__(self):
        self.resumed, self.saved = [], []

    def resume(self, paths):
        self.resumed.append(set(paths))

    def save(self, path, image_bytes, outputs):
        self.saved.append((path, image_bytes, outputs["anomaly_score"]))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "images"
    write_images(folder, make_parts(5, seed=0))
    (folder / "part001.png").write_bytes(b"junk")
    return str(folder)


def test_files_folders_and_patterns_are_listed(folder):
    paths = score_files.list_image_paths(folder)
    assert paths == sorted(paths) and len(paths) == 5
    assert score_files.list_image_paths(f"{folder}/part00[01]*") == paths[:2]
    assert score_files.list_image_paths(paths[3]) == [paths[3]]
    with pytest.raises(UserError, match="no image at .*nothing"):
        score_files.list_image_paths(f"{folder}/nothing")


def test_images_anywhere_are_listed_and_measured(folder):
    address = f"file://{folder}"
    here = score_files.list_image_paths(folder)
    there = score_files.list_image_paths(address)
    assert there == [f"file://{path}" for path in here]
    found = score_files.list_image_paths(f"{address}/part00[01]*")
    assert found == there[:2]
    assert score_files.list_image_paths(there[3]) == [there[3]]
    with pytest.raises(UserError, match="no image at .*nothing"):
        score_files.list_image_paths(f"{address}/nothing")
    assert score_files.size_of_file(there[0]) == os.path.getsize(here[0])
    assert score_files.size_of_file(f"{address}/none") == 0


def test_an_interrupted_run_is_resumed_with_its_maps(folder, tmp_path):
    paths = score_files.list_image_paths(folder)
    output = str(tmp_path / "scores.csv")
    first, second = FakeMaps(), FakeMaps()
    with pytest.raises(UnavailableError, match="gone"):
        score_files.score_images(
            LengthScorer(2), paths, output, maps=first, batch_size=2
        )
    assert not os.path.exists(output)
    scorer = LengthScorer()
    rows = score_files.score_images(scorer, paths[::-1], output, maps=second)
    assert second.resumed == [set(paths[:4])] and len(scorer.scored) == 1
    saved = [path for path, _, _ in first.saved + second.saved]
    assert saved == [paths[0], *paths[2:]]
    assert [row.path for row in rows] == paths
    with open(output, newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["path"] for row in table] == paths
    assert "not an image" in table[1]["status"]
    assert table[0]["status"] == "ok"
    assert float(table[0]["p_value"]) == pytest.approx(rows[0].p_value)


@pytest.mark.parametrize("num_parallel", [1, 3])
def test_no_table_mixes_two_versions(folder, tmp_path, num_parallel):
    paths = score_files.list_image_paths(folder)
    output = str(tmp_path / "scores.csv")
    scorer = ChangingScorer((3, "2"))
    rows = score_files.score_images(
        scorer, paths, output, batch_size=1, num_parallel=num_parallel
    )
    assert {row.p_value for row in rows if row.status == "ok"} == {2.0}


def test_a_table_goes_on_with_the_same_version_only(folder, tmp_path):
    paths = score_files.list_image_paths(folder)
    output = str(tmp_path / "scores.csv")
    for version, num_requests, expected in (("1", 2, 2), ("2", 1, 1)):
        scorer = ChangingScorer()
        scorer.version, scorer.left = version, num_requests
        with pytest.raises(UnavailableError):
            score_files.score_images(scorer, paths, output, batch_size=1)
        assert len(scorer.scored) == expected
    scorer = ChangingScorer()
    scorer.version = "2"
    rows = score_files.score_images(scorer, paths, output, batch_size=1)
    assert len(scorer.scored) == 3  # the first by version 2 is kept
    assert {row.p_value for row in rows if row.status == "ok"} == {2.0}


def test_a_server_that_never_settles_is_an_error(folder, tmp_path):
    changes = [(count, str(count)) for count in range(99)]
    with pytest.raises(UserError, match="names the version"):
        score_files.score_images(
            ChangingScorer(*changes),
            score_files.list_image_paths(folder),
            str(tmp_path / "scores.csv"),
            batch_size=1,
        )


def test_a_file_that_changes_while_it_is_scored_is_scored_again(
    folder, tmp_path
):
    paths = score_files.list_image_paths(folder)
    output, scorer = str(tmp_path / "scores.csv"), LengthScorer(1)
    predict = scorer._predict

    def change_and_predict(images, signature):
        os.utime(paths[0], (1, 1))  # it has been read already
        return predict(images, signature)

    scorer._predict = change_and_predict
    with pytest.raises(UnavailableError):
        score_files.score_images(scorer, paths, output, batch_size=2)
    again = LengthScorer()
    score_files.score_images(again, paths, output)
    assert len(again.scored) == 4


def test_scores_without_their_names_are_a_bad_answer(folder, tmp_path):
    scorer = LengthScorer()
    scorer._predict = lambda images, _: [{"anomaly_score": 1}] * len(images)
    with pytest.raises(BadAnswerError, match="part000.*frechet_score"):
        score_files.score_images(
            scorer,
            score_files.list_image_paths(folder),
            str(tmp_path / "scores.csv"),
        )


@pytest.mark.parametrize(
    "pictures",
    [{}, {"reconstruction_png_bytes": b"x", "anomaly_map_png_bytes": b"y"}],
)
def test_pictures_that_are_none_are_a_bad_answer(folder, tmp_path, pictures):
    scorer = LengthScorer()
    predict = scorer._predict
    scorer._predict = lambda *given: [r | pictures for r in predict(*given)]
    with pytest.raises(BadAnswerError, match="pictures of .*part000"):
        score_files.score_images(
            scorer,
            score_files.list_image_paths(folder),
            str(tmp_path / "scores.csv"),
            maps=map_folder.MapFolder(str(tmp_path / "maps"), 5.0),
        )


def test_a_folder_that_vanishes_is_made_again(folder, tmp_path):
    output = tmp_path / "out" / "scores.csv"
    scorer, paths = LengthScorer(), score_files.list_image_paths(folder)
    predict = scorer._predict

    def remove_and_predict(images, signature):
        shutil.rmtree(output.parent, ignore_errors=True)
        return predict(images, signature)

    scorer._predict = remove_and_predict
    try:
        score_files.score_images(scorer, paths, str(output))
    except UserError as error:
        assert "scores.csv.part" in str(error)
    rows = score_files.score_images(LengthScorer(), paths, str(output))
    assert len(rows) == 5 and os.listdir(output.parent) == ["scores.csv"]


def test_a_model_without_the_signature_is_an_error(folder, tmp_path):
    scorer = LengthScorer()
    scorer._inputs = lambda: {"images": {"images"}}
    with pytest.raises(UserError, match="no signature 'score'"):
        score_files.score_images(scorer, [], str(tmp_path / "scores.csv"))
