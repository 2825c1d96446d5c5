import os

import numpy as np
import pytest
import tensorflow as tf
from conftest import fitted_detector
from conftest import make_parts
from conftest import tiny_config

from ganad_tf import artifacts
from ganad_tf.detector import storage
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.errors import UserError
from ganad_tf.training import building


@pytest.fixture(scope="module")
def images():
    return tf.constant(make_parts(8, seed=7))


def arrays(detection):
    return [np.asarray(part) for part in detection]


@pytest.mark.parametrize("method", ["joint", "paper"])
def test_a_saved_detector_comes_back(tmp_path, images, method):
    made = fitted_detector(method=method)
    path = str(tmp_path / "detector")
    made.save(path)
    loaded = OneClassDetector.load(path, made.gan)
    assert loaded.get_config() == made.get_config()
    for one, other in zip(
        arrays(made.detect(images)), arrays(loaded.detect(images)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("entry", ["aligned", "grid"])
def test_a_detector_of_an_earlier_version_is_the_users_error(
    tmp_path, parts_detector, entry
):
    path = str(tmp_path / "detector")
    parts_detector.save(path)
    name = os.path.join(path, storage.CONFIG_NAME)
    artifacts.write_json(
        name, {**artifacts.read_json(name, made_by=""), entry: None}
    )
    with pytest.raises(UserError, match=r"Run fit_detector\.py again"):
        OneClassDetector.load(path, parts_detector.gan)


def test_a_gan_that_was_trained_again_is_the_users_error(
    tmp_path, parts_detector
):
    path = str(tmp_path / "detector")
    parts_detector.save(path)
    retrained = building.build_gan(tiny_config(seed=1))
    with pytest.raises(UserError, match=r"other weights.*Run fit_detector\.py"):
        OneClassDetector.load(path, retrained)


def test_a_detector_that_names_no_weights_is_taken_with_a_warning(
    tmp_path, parts_detector, caplog
):
    path = str(tmp_path / "detector")
    parts_detector.save(path)
    name = os.path.join(path, storage.CONFIG_NAME)
    config = artifacts.read_json(name, made_by="")
    del config[storage.WEIGHTS_KEY]
    artifacts.write_json(name, config)
    with caplog.at_level("WARNING", logger="absl"):
        OneClassDetector.load(path, parts_detector.gan)
    assert "does not say which weights" in caplog.text


def test_no_detector_is_an_error(tmp_path, parts_detector):
    with pytest.raises(UserError, match="Run fit_detector.py first"):
        OneClassDetector.load(str(tmp_path), parts_detector.gan)


@pytest.mark.parametrize("content", [None, b"", b"PK broken"])
def test_broken_statistics_are_the_users_error(
    tmp_path, parts_detector, content
):
    path = str(tmp_path / "detector")
    parts_detector.save(path)
    statistics = os.path.join(path, storage.STATISTICS_NAME)
    os.remove(statistics)
    if content is not None:
        with open(statistics, "wb") as file:
            file.write(content)
    with pytest.raises(UserError, match="Run fit_detector.py again"):
        OneClassDetector.load(path, parts_detector.gan)
