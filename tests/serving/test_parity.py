import json
import os
import shutil

import pytest
from conftest import encoded
from conftest import make_parts
from conftest import write_images

from ganad_tf.errors import UserError
from ganad_tf.serving import comparison
from ganad_tf.serving import parity
from ganad_tf.serving import warmup
from ganad_tf.serving.saved_model import ModelError


@pytest.fixture(scope="module")
def report(exported, parts_detector):
    data = encoded(make_parts(5, seed=6))
    return parity.check_saved_model(exported, data, detector=parts_detector)


def test_every_way_gives_the_same_numbers(report):
    assert report["passed"]
    assert comparison.failures(report["checks"]) == []
    assert report["num_images"] == 5
    for name in (
        "Python detector",
        "saved_model_cli run, score",
        "an image alone",
        "a permuted batch",
        "a batch of 64",
        "8 threads",
        "empty inspect batch",
        "warmup images request",
    ):
        assert report["checks"][name]["passed"]
    json.dumps(report, allow_nan=False)


def test_a_detector_of_other_weights_is_told(parts_detector):
    manifest = {"weights_sha256": "of a GAN that was trained before"}
    for given, passed in ((manifest, False), ({}, True)):
        found = comparison.Comparison(0.1)
        parity._check_weights(found, given, parts_detector)
        assert all(c["passed"] for c in found.checks.values()) == passed


def test_noise_has_the_models_size():
    images = parity.noise_images((32, 48, 3))
    assert len(set(images)) == parity.NUM_NOISE_IMAGES
    assert all(png.startswith(b"\x89PNG") for png in images)


def test_readable_images_are_sampled(tmp_path):
    write_images(tmp_path, make_parts(7, seed=0))
    (tmp_path / "part003.png").write_bytes(b"junk")
    images = parity.sample_images(str(tmp_path), 3)
    names = ("part000.png", "part002.png", "part004.png")
    assert images == [(tmp_path / name).read_bytes() for name in names]
    assert len(parity.sample_images(str(tmp_path), 99)) == 6
    with pytest.raises(UserError, match="Too few readable .* received 1"):
        parity.sample_images(str(tmp_path), 1)


def test_a_model_that_a_server_could_not_warm_up_fails(exported, tmp_path):
    path = str(tmp_path / "1")
    shutil.copytree(exported, path)
    name = os.path.join(path, warmup.WARMUP_NAME)
    warmup.write_warmup_requests(name, model_name="parts", size=[16, 16, 1])
    with pytest.raises(ModelError, match="does not run in the C\\+\\+ runt"):
        parity.check_saved_model(path, parity.noise_images((32, 32, 1)))
