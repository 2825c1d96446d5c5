import json
import os
import pathlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import server_messages
from conftest import export_to
from conftest import make_parts

from ganad_tf.detector import detector
from ganad_tf.detector.fusion import PartFusion
from ganad_tf.detector.weights_digest import weights_digest
from ganad_tf.errors import UserError
from ganad_tf.serving import export
from ganad_tf.serving import parity
from ganad_tf.serving.saved_model import ModelError


def test_the_manifest_says_what_the_model_is(exported, parts_detector):
    path = os.path.join(exported, "assets.extra", "manifest.json")
    with open(path) as file:
        manifest = json.load(file)
    assert manifest["name"] == "parts" and manifest["version"] == 1
    assert manifest["threshold"] == parts_detector.calibrator_.threshold_
    assert manifest["detector"] == parts_detector.get_config()
    assert manifest["fingerprint"]["saved_model_checksum"]
    assert manifest["weights_sha256"] == weights_digest(parts_detector)
    assert manifest["seed"] == 0


def test_versions_are_never_overwritten(tmp_path, parts_detector):
    for name in ("7", "11", "notes"):
        (tmp_path / name).mkdir()
    for version in (7, 0):
        with pytest.raises(UserError, match=f"version={version}"):
            export_to(tmp_path, parts_detector, version=version)
    assert sorted(os.listdir(tmp_path)) == ["11", "7", "notes"]


def test_a_model_that_fails_its_check_is_not_published(
    exported, tmp_path, monkeypatch, parts_detector
):
    differences = {"anomaly_score": 0.5, "p_value": 0.0}
    check = {"relative": differences, "passed": False}
    checked = []

    def fail(path, *_, **__):
        checked.append(sorted(os.listdir(path)))
        return {"checks": {"signature images": check}, "passed": False}

    def write(_, path):
        shutil.copytree(exported, path, dirs_exist_ok=True)

    monkeypatch.setattr(export, "_write", write)
    monkeypatch.setattr(parity, "check_saved_model", fail)
    reason = "not published: signature images: anomaly_score differs by 0.5$"
    with pytest.raises(ModelError, match=reason):
        export_to(tmp_path, parts_detector)
    assert "saved_model.pb" in checked[0]
    assert os.listdir(tmp_path) == []


def test_two_exports_at_once_give_two_versions(
    exported, tmp_path, monkeypatch, parts_detector
):
    both_checked = threading.Barrier(2)

    def write(_, path):
        shutil.copytree(exported, path, dirs_exist_ok=True)

    monkeypatch.setattr(export, "_write", write)
    monkeypatch.setattr(export, "_check", lambda *_: both_checked.wait(60))
    with ThreadPoolExecutor(2) as pool:
        paths = pool.map(lambda _: export_to(tmp_path, parts_detector), "ab")
        assert {os.path.basename(path) for path in paths} == {"1", "2"}
    assert sorted(os.listdir(tmp_path)) == ["1", "2"]
    for version in (1, 2):
        path = tmp_path / str(version) / "assets.extra" / "manifest.json"
        assert json.loads(path.read_text())["version"] == version


def test_a_version_that_is_published_meanwhile_stays(
    exported, tmp_path, monkeypatch, parts_detector
):
    def publish_another(*_):
        (tmp_path / "3" / "theirs").mkdir(parents=True)

    def record(number):
        recorded.append((number, (tmp_path / str(number)).exists()))

    recorded = []

    monkeypatch.setattr(export, "_write", lambda _, path: None)
    monkeypatch.setattr(export, "_fingerprint", lambda _: {})
    monkeypatch.setattr(export, "_check", publish_another)
    with pytest.raises(UserError, match="3 already exists"):
        export_to(tmp_path, parts_detector, version=3)
    assert os.listdir(tmp_path) == ["3"]
    assert os.listdir(tmp_path / "3") == ["theirs"]
    monkeypatch.setattr(export, "_check", lambda *_: None)
    export_to(tmp_path, parts_detector, record=record)
    assert recorded == [(4, False)]


def test_the_check_of_an_export_is_in_it(exported):
    path = os.path.join(exported, "assets.extra", "parity.json")
    with open(path) as file:
        checks = json.load(file)["checks"]
    assert checks["Python detector"]["passed"]


def test_the_servers_definitions_read_the_batching_parameters(exported):
    path = pathlib.Path(exported, "batching_params.pbtxt")
    found = server_messages.parse(path.read_text(), "BatchingParameters")
    assert found.max_batch_size.value == 64
    assert all(value.value > 0 for _, value in found.ListFields())
    assert len(found.ListFields()) == 4


@pytest.fixture(scope="module")
def batches():
    return [make_parts(48, seed=1)], [make_parts(24, seed=2)]


@pytest.fixture(scope="module")
def refitted(parts_detector, batches):
    return export.refit(parts_detector, *batches, num_steps=0)


def test_calibration_is_never_that_of_another_setting(
    refitted, parts_detector, batches
):
    assert refitted.inverter.num_steps == 0
    assert parts_detector.inverter.num_steps == 2
    (parts,) = batches[1]
    measures = refitted.measure(parts, refitted.invert(parts))
    expected = PartFusion(refitted.fusion_.weights).fit(measures.log_parts)
    np.testing.assert_allclose(
        np.sort(expected), refitted.calibrator_.scores_, rtol=1e-4
    )
    before = parts_detector.calibrator_.scores_
    assert not np.allclose(refitted.calibrator_.scores_, before, rtol=1e-4)


def test_a_refit_is_what_a_fit_from_the_start_gives(
    refitted, parts_detector, batches
):
    fresh = detector.build_detector(
        parts_detector.gan,
        method="joint",
        alpha=0.1,
        num_steps=0,
    ).fit(*batches)
    assert fresh.get_config() == refitted.get_config()
    np.testing.assert_array_equal(
        fresh.calibrator_.scores_, refitted.calibrator_.scores_
    )
