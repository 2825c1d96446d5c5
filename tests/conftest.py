import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the tools do

import grpc_double
import numpy as np
import pytest
import tensorflow as tf
from tool_runner import TRAIN
from tool_runner import done

from ganad_tf.benchmark import serving_double
from ganad_tf.benchmark.drawn_parts import make_parts
from ganad_tf.benchmark.drawn_parts import write_images
from ganad_tf.benchmark.drawn_parts import write_mvtec
from ganad_tf.benchmark.trained_model import TrainedModel
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.detector import detector
from ganad_tf.evaluation import assessment
from ganad_tf.serving import export
from ganad_tf.training import building
from ganad_tf.training import loop
from ganad_tf.training.configuration import TrainingConfig

tf.config.experimental.enable_op_determinism()


def tiny_config(**changes) -> TrainingConfig:
    values = {
        "method": "joint",
        "image_size": 32,
        "channels": 1,
        "latent_dim": 6,
        "width": 4,
        "num_steps": 4,
        "batch_size": 8,
    }
    return TrainingConfig(**{**values, **changes})


def fitted_detector(**changes) -> detector.OneClassDetector:
    """A detector with a fitted linear head and a random encoder."""
    config = tiny_config(**changes)
    gan = building.build_gan(config)
    parts = make_parts(48, seed=1, channels=config.channels)
    if gan.linear_head is not None:
        loop.fit_linear_head(gan, parts, config)
        kernel = gan.ema_encoder.layers[-1].kernel
        noise = np.random.default_rng(0).normal(size=kernel.shape)
        kernel.assign(0.05 * noise)
    made = detector.build_detector(
        gan,
        method=config.method,
        alpha=0.1,
        num_steps=2,
    )
    held_out = make_parts(24, seed=2, channels=config.channels)
    return made.fit([parts], [held_out[:10], held_out[10:]])


@pytest.fixture(scope="session")
def parts_detector() -> detector.OneClassDetector:
    return fitted_detector()


@pytest.fixture(scope="session")
def tiny_gan():
    """A GAN with a fitted linear head and otherwise random weights."""
    gan = building.build_gan(tiny_config())
    loop.fit_linear_head(gan, make_parts(20, seed=0), tiny_config())
    return gan


@pytest.fixture(scope="session")
def parts_model(parts_detector, product) -> TrainedModel:
    """The detector of parts, with a folder of parts on the disk."""
    files = dataset.scan_images(dataset.list_images(product))
    return TrainedModel(parts_detector, dataset.split_images(files, seed=0))


def export_to(folder, fitted, **changes) -> str:
    """Exports a detector of parts; returns the version's folder."""
    arguments = {"name": "parts", "facts": {"seed": 0}, **changes}
    return export.export_detector(fitted, str(folder), **arguments)


def encoded(parts: np.ndarray) -> list[bytes]:
    """Images as PNG files."""
    pixels = image_tensors.to_uint8(parts)
    return [tf.io.encode_png(image).numpy() for image in pixels]


@pytest.fixture(scope="session")
def exported(tmp_path_factory, parts_detector) -> str:
    """Folder of version 1 of the model `parts`."""
    return export_to(
        tmp_path_factory.mktemp("exported") / "parts", parts_detector
    )


@pytest.fixture(scope="module")
def base_path(exported, tmp_path_factory):
    """Folder of the versions of the model `parts` that is served."""
    path = tmp_path_factory.mktemp("models") / "parts"
    shutil.copytree(exported, path / "1")
    return path


@pytest.fixture(scope="module")
def served(base_path):
    """The model `parts` behind servers, at `served.rest`, `served.grpc`."""
    with (
        serving_double.serve(str(base_path), "parts") as model,
        grpc_double.serve(model),
    ):
        yield model


@pytest.fixture
def parts_folder(tmp_path) -> str:
    folder = tmp_path / "parts"
    write_images(folder, make_parts(40, seed=0))
    return str(folder)


@pytest.fixture
def mvtec_folder(tmp_path) -> str:
    return write_mvtec(tmp_path / "product")


@pytest.fixture(scope="session")
def assessor(parts_detector, tmp_path_factory) -> assessment.Assessor:
    folder = write_mvtec(tmp_path_factory.mktemp("assessed") / "product")
    files = dataset.scan_images(dataset.list_images(folder))
    split = dataset.split_images(files, seed=0)
    return assessment.Assessor(parts_detector, split, seed=0)


@pytest.fixture(scope="session")
def assessed(assessor) -> assessment.Assessment:
    return assessor.assess(data="x", method="joint")


@pytest.fixture(scope="session")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "product"
    write_images(folder / "train" / "good", make_parts(60, seed=0))
    write_images(folder / "test" / "good", make_parts(8, seed=1))
    bad = make_parts(8, seed=2)
    bad[:, 20:27, 4:11] = -0.9
    write_images(folder / "test" / "spot", bad)
    (folder / "test" / "spot" / "broken.png").write_bytes(b"\x89PNG")
    return str(folder)


@pytest.fixture(scope="session")
def chain(product, tmp_path_factory):
    """Model, report and SavedModel folders of the whole chain."""
    root = tmp_path_factory.mktemp("chain")
    model, report, saved = (str(root / n) for n in ("model", "report", "saved"))
    trained = done(
        "train_gan",
        *TRAIN,
        "--field_steps=2",
        data=product,
        model_dir=model,
        num_steps=20,
    )
    assert "fit_detector.py" in trained.stdout  # the next command
    done("fit_detector", data=product, model_dir=model, alpha=0.1)
    done("evaluate_detector", data=product, model_dir=model, report_dir=report)
    done("export_saved_model", model_dir=model, export_dir=saved)
    return model, report, saved
