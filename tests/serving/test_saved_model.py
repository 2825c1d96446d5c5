import shutil
import time
import types

import numpy as np
import pytest
import tensorflow as tf
from conftest import encoded
from conftest import make_parts

from ganad_tf.errors import UserError
from ganad_tf.serving import saved_model as serving


@pytest.fixture(scope="module")
def scorer(tmp_path_factory, exported):
    folder = tmp_path_factory.mktemp("parts")
    (folder / "12").mkdir()
    (folder / "notes").mkdir()
    shutil.copytree(exported, folder / "11")
    return serving.SavedModelScorer(str(folder))


def test_the_newest_version_is_loaded(scorer):
    assert scorer.path.endswith("/11") and scorer.source == scorer.path
    assert scorer.manifest["name"] == "parts"


def test_a_version_without_a_model_is_none_yet(tmp_path):
    for name in ("2", "10"):
        (tmp_path / name / "variables").mkdir(parents=True)
    (tmp_path / "2" / "saved_model.pb").touch()
    newest = serving.newest_version(str(tmp_path))
    assert newest == str(tmp_path / "2")


def test_scores_are_the_detectors(scorer, parts_detector):
    parts = make_parts(4, seed=5)
    rows = scorer.score(encoded(parts))
    pixels = tf.stack([tf.io.decode_png(data) for data in encoded(parts)])
    expected = parts_detector.detect(tf.cast(pixels, tf.float32) / 127.5 - 1)
    np.testing.assert_allclose(
        [row["anomaly_score"] for row in rows],
        expected.anomaly_scores,
        rtol=1e-4,
        atol=1e-5,
    )
    assert sorted(rows[0]) == [
        "anomaly_score",
        "frechet_score",
        "is_defective",
        "p_value",
        "reconstruction_error",
    ]


def test_what_is_not_decoded_has_a_reason(scorer):
    png = encoded(make_parts(1, seed=8))[0]
    vast = png[:16] + (50000).to_bytes(4, "big") * 2 + png[24:]
    gif = b"GIF89a" + bytes(99)
    start = time.monotonic()
    reasons = scorer.score([vast, b"junk", gif, png[:70]])
    assert time.monotonic() - start < 5.0
    assert reasons[0] == (
        "not decodable: too large: 50000x50000 px: expected at most 100000000 "
        "pixels"
    )
    for reason in reasons[1:3]:
        assert "Unknown image file format: expected PNG, JPEG" in reason
    assert "Invalid PNG data, size 70" in reasons[3]


def test_a_batch_beyond_the_memory_is_cut(scorer, monkeypatch):
    images = encoded(make_parts(5, seed=8))
    expected = scorer.score(images)
    run = scorer._loaded.signatures["score"]

    def refuse_more_than_two(image_bytes):
        if len(image_bytes) > 2:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        return run(image_bytes=image_bytes)

    loaded = types.SimpleNamespace(signatures={"score": refuse_more_than_two})
    monkeypatch.setattr(scorer, "_loaded", loaded)
    for row, other in zip(scorer.score(images), expected, strict=True):
        assert row == pytest.approx(other, rel=1e-4)


def test_a_bad_image_costs_itself_alone(scorer):
    data = encoded(make_parts(5, seed=5))
    whole = scorer.score(data)
    mixed = scorer.score([data[0], b"junk", *data[1:], b""])
    assert isinstance(mixed[1], str) and isinstance(mixed[-1], str)
    for row, other in zip(whole, [mixed[0], *mixed[2:-1]], strict=True):
        assert row["anomaly_score"] == pytest.approx(
            other["anomaly_score"], rel=1e-4
        )


def test_nothing_to_score_is_nothing(scorer):
    assert scorer.score([]) == []


def test_pictures_come_where_they_are_asked_for(scorer):
    data = encoded(make_parts(1, seed=5))
    row = scorer.score(data, signature="inspect")[0]
    assert row["anomaly_map_png_bytes"].startswith(b"\x89PNG")


def test_no_model_is_an_error(tmp_path):
    with pytest.raises(UserError, match="Run export_saved_model.py"):
        serving.SavedModelScorer(str(tmp_path))


def test_signatures_are_checked(scorer):
    scorer.check("inspect")
    for name in ("images", "nothing"):
        with pytest.raises(UserError, match=f"no signature '{name}'"):
            scorer.check(name)


def test_signatures_are_read_without_loading_the_model(exported):
    signatures = serving.read_signatures(exported)
    images = signatures["images"]
    assert list(images.inputs) == ["images"]
    assert len(images.outputs) == 8
    assert all(":" in info.name for info in images.outputs.values())


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "assets.extra/manifest.json"]
)
@pytest.mark.parametrize("content", [b"nothing", b"", None])
def test_a_broken_model_is_an_error(exported, tmp_path, name, content):
    path = tmp_path / "1"
    shutil.copytree(exported, path)
    (path / name).unlink()
    if content is not None:
        (path / name).write_bytes(content)
    with pytest.raises(UserError):
        serving.SavedModelScorer(str(path))
    if name == "saved_model.pb":
        with pytest.raises(serving.ModelError, match="saved_model.pb"):
            serving.read_signatures(str(path))
