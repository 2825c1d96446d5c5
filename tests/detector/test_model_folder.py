import os

import numpy as np
import pytest
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images

from ganad_tf.data import dataset
from ganad_tf.detector import model_folder
from ganad_tf.errors import UserError
from ganad_tf.training import loop
from ganad_tf.training.sample_images import SampleImages


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Data and model folder of a trained GAN."""
    root = tmp_path_factory.mktemp("model_folder")
    data, model_dir = str(root / "parts"), str(root / "model")
    write_images(data, make_parts(40, seed=0))
    files = dataset.scan_images(dataset.list_images(data))
    split = dataset.split_images(files, seed=0)
    dataset.save_split(split, model_dir, data=data, seed=0)
    config = tiny_config()
    config.save(model_dir)
    train, held_out = (
        SampleImages([file.path for file in files])
        for files in (split.train, split.calibration)
    )
    loop.train(config, train, model_dir, held_out_images=held_out)
    return data, model_dir


def test_a_detector_is_fitted_and_comes_back(trained):
    data, model_dir = trained
    fitted = model_folder.fit_detector(
        data, model_dir, alpha=0.2, num_steps=1, batch_size=5
    )
    loaded = model_folder.load_detector(model_dir)
    images = make_parts(4, seed=5)
    scores = [d.detect(images).anomaly_scores for d in (fitted, loaded)]
    np.testing.assert_allclose(*scores, rtol=1e-6)
    assert loaded.alpha == 0.2 and loaded.inverter.num_steps == 1
    assert len(loaded.calibrator_.scores_) == 8
    assert os.listdir(os.path.join(model_dir, "logs", "inversion"))


def test_the_default_alpha_is_one_that_can_be_promised(trained, caplog):
    data, model_dir = trained
    with caplog.at_level("WARNING", logger="absl"):
        fitted = model_folder.fit_detector(data, model_dir, num_steps=0)
    assert fitted.alpha == pytest.approx(1 / 9)
    assert "8 calibration images cannot promise" in caplog.text
    assert "1/(8 + 1) = 0.111" in caplog.text and "11 %" in caplog.text
    assert fitted.detect(make_parts(4, seed=5)).p_values.shape == (4,)


def test_an_alpha_out_of_reach_is_refused_before_any_image(
    trained, parts_detector, monkeypatch
):
    data, model_dir = trained
    detector = parts_detector.unfitted()
    model_folder.promise(detector, None, 19)
    assert detector.alpha == model_folder.ALPHA
    for alpha in (0.05, None):
        with pytest.raises(UserError, match="Too few calibration images"):
            model_folder.promise(detector, alpha, 0)
    monkeypatch.setattr(model_folder, "image_batches", None)
    with pytest.raises(UserError, match="that 8 images can give"):
        model_folder.fit_detector(data, model_dir, alpha=0.05)


def test_a_folder_without_a_model_is_the_users_error(tmp_path, parts_folder):
    with pytest.raises(UserError, match="Run train_gan.py first"):
        model_folder.fit_detector(parts_folder, str(tmp_path))
