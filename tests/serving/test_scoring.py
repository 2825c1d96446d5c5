import threading

import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.serving import scoring


@pytest.fixture
def no_pause(monkeypatch):
    pauses = []
    monkeypatch.setattr(scoring.time, "sleep", pauses.append)
    return pauses


def picky(calls):
    def predict(images):
        calls.append(len(images))
        if any(image.startswith(b"bad") for image in images):
            raise scoring.RefusedError("no\nimage")
        return [{"value": image} for image in images]

    return predict


def test_a_bad_image_is_found_by_halving():
    calls = []
    images = [b"%d" % row for row in range(64)]
    images[37] = b"bad"
    rows = scoring.score_apart(picky(calls), images)
    assert rows.pop(37) == "no image"
    assert [row["value"] for row in rows] == images[:37] + images[38:]
    assert len(calls) == 13 and sum(calls) < 64 * 3


def test_all_bad_and_none():
    assert scoring.score_apart(picky([]), [b"bad"] * 3) == ["no image"] * 3
    assert scoring.score_apart(picky([]), []) == []


def unavailable(times):
    left = [times]

    def call():
        if left[0]:
            left[0] -= 1
            raise scoring.UnavailableError("later")
        return "done"

    return call


def test_an_unavailable_server_is_asked_again_after_growing_pauses(no_pause):
    assert scoring.with_retries(unavailable(5), num_retries=5) == "done"
    assert len(no_pause) == 5 and no_pause[4] > 4 * no_pause[0]
    with pytest.raises(scoring.UnavailableError, match="later"):
        scoring.with_retries(unavailable(3), num_retries=2)


def test_chunks_are_bounded_by_number_and_size(tmp_path):
    paths = []
    for row, size in enumerate([10, 10, 10, 500, 10, 60, 60]):
        paths.append(str(tmp_path / str(row)))
        (tmp_path / str(row)).write_bytes(bytes(size))
    found = list(scoring.chunks(paths, num_images=2, num_bytes=100))
    assert [len(chunk) for chunk in found] == [2, 1, 1, 2, 1]
    assert sum(found, []) == paths
    assert list(scoring.chunks([], num_images=2)) == []


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

    found = sum(
        scoring.score_files(score, paths, batch_size=2, num_parallel=2), []
    )
    assert [file.path for file in found] == paths
    assert found[4].image_bytes is None and "not an image" in found[4].row
    assert found[5].row == {"size": len(found[5].image_bytes)}
    assert most[0] <= 2


def test_chunks_before_an_outage_are_not_lost(tmp_path):
    write_images(tmp_path, make_parts(6, seed=0))
    paths = sorted(str(path) for path in tmp_path.iterdir())
    calls = []

    def score(images):
        calls.append(images)
        if len(calls) > 2:
            raise scoring.UnavailableError("gone")
        return ["fine"] * len(images)

    found = []
    with pytest.raises(scoring.UnavailableError):
        for scored in scoring.score_files(
            score, paths, batch_size=2, num_parallel=1
        ):
            found += scored
    assert [file.path for file in found] == paths[:4]
