import json
import os
import pathlib
import shutil

import pytest
import server_messages
from conftest import export_to

from ganad_tf.serving import c_api
from ganad_tf.serving import export
from ganad_tf.serving import parity


def test_the_manifest_says_what_the_model_is(exported, parts_detector):
    path = os.path.join(exported, "assets.extra", "manifest.json")
    with open(path) as file:
        manifest = json.load(file)
    assert manifest["name"] == "parts" and manifest["version"] == 1
    assert manifest["threshold"] == parts_detector.calibrator_.threshold_
    assert manifest["detector"] == parts_detector.get_config()
    assert manifest["fingerprint"]["saved_model_checksum"]
    assert manifest["seed"] == 0


def test_versions_count_up_and_are_never_overwritten(tmp_path, parts_detector):
    assert export.next_version(str(tmp_path / "nothing")) == 1
    for name in ("7", "11", "notes"):
        (tmp_path / name).mkdir()
    assert export.next_version(str(tmp_path)) == 12
    for version in (7, 0):
        with pytest.raises(ValueError, match=f"version={version}"):
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
    with pytest.raises(c_api.ModelError, match=reason):
        export_to(tmp_path, parts_detector)
    assert "saved_model.pb" in checked[0]
    assert os.listdir(tmp_path) == []


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
