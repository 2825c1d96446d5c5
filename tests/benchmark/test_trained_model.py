import os

import numpy as np
import pytest

from ganad_tf.benchmark import trained_model
from ganad_tf.data import dataset
from ganad_tf.detector import model_folder


def test_images_come_at_the_detectors_size(parts_model):
    files = parts_model.split.test
    (batch,) = parts_model.batches(files)
    assert batch.shape == (len(files), *parts_model.detector.image_shape)


def test_other_steps_are_calibrated_again(parts_model):
    refitted = parts_model.refit(0)
    assert refitted.inverter.num_steps == 0
    assert parts_model.detector.inverter.num_steps == 2
    num_scores = len(refitted.calibrator_.scores_)
    assert num_scores == len(parts_model.split.calibration)


def test_what_the_tools_write_is_loaded(
    parts_model, product, tmp_path, monkeypatch
):
    parts_model.detector.save(str(tmp_path / "detector"))
    dataset.save_split(parts_model.split, str(tmp_path), data=product, seed=0)
    gan = parts_model.detector.gan
    monkeypatch.setattr(model_folder, "load_gan", lambda _: gan)
    monkeypatch.setattr(model_folder, "load_unet", lambda _: None)
    model = trained_model.load(product, str(tmp_path))
    assert trained_model.obstacle(product, str(tmp_path)) is None
    assert model.split == parts_model.split
    scores = [
        one.detector.detect_batches(one.batches(one.split.test)).anomaly_scores
        for one in (model, parts_model)
    ]
    np.testing.assert_allclose(*scores, rtol=1e-5)


@pytest.mark.parametrize(
    "data, model_dir, reason",
    [
        ("parts", None, "--model_dir and --data"),
        (None, "model", "--model_dir and --data"),
        ("parts", "no such folder", "no fitted detector in no such folder"),
    ],
)
def test_a_missing_model_is_an_obstacle(data, model_dir, reason):
    assert reason in trained_model.obstacle(data, model_dir)


def test_a_missing_package_names_its_extra(tmp_path, monkeypatch):
    os.mkdir(tmp_path / "detector")
    monkeypatch.setattr(
        trained_model.importlib.util, "find_spec", lambda _: None
    )
    reason = trained_model.obstacle("elpv:mono", str(tmp_path))
    assert '".[demo]"' in reason
