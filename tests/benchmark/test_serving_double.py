"""The double keeps the published API, and the exported model fits it."""

import base64
import json
import os
import pathlib
import shutil
import threading
import urllib.error
import urllib.request
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor

import grpc_double
import numpy as np
import pytest
import server_messages
from conftest import encoded
from conftest import make_parts
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from ganad_tf.benchmark import serving_double
from ganad_tf.serving import grpc_client
from ganad_tf.serving import rest_client
from ganad_tf.serving import saved_model as serving

MODELS = pathlib.Path(__file__).parents[2] / "saved_models"


@pytest.fixture(scope="module")
def data():
    return encoded(make_parts(2, seed=8))


def ask(address, body=None):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=content)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


def test_status_and_metadata(served):
    code, status = ask(served.rest)
    assert code == 200
    assert status["model_version_status"][0]["state"] == "AVAILABLE"
    code, found = ask(f"{served.rest}/metadata")
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert sorted(signatures) == [
        "images",
        "inspect",
        "score",
        "serving_default",
    ]
    info = signatures["images"]["inputs"]["images"]
    assert info["dtype"] == "DT_FLOAT"


def test_rows_and_columns_give_the_same(served, data):
    rows = [b64(one) for one in data]
    address = f"{served.rest}:predict"
    bodies = (
        {"instances": rows},
        {"instances": [{"image_bytes": row} for row in rows]},
        {"inputs": rows},
        {"inputs": {"image_bytes": rows}},
    )
    found = [ask(address, {"signature_name": "score", **b}) for b in bodies]
    assert [code for code, _ in found] == [200] * 4
    by_row = [row["anomaly_score"] for row in found[0][1]["predictions"]]
    assert found[1] == found[0] and found[3] == found[2]
    assert found[2][1]["outputs"]["anomaly_score"] == by_row


def test_pictures_are_base64(served, data):
    body = {"signature_name": "inspect", "instances": [b64(data[0])]}
    _, found = ask(f"{served.rest}:predict", body)
    (row,) = found["predictions"]
    png = base64.b64decode(row["reconstruction_png_bytes"]["b64"])
    assert png.startswith(b"\x89PNG")


def test_pixels_go_as_numbers(served):
    pixels = [[[[128.0]] * 32] * 32]
    body = {"signature_name": "images", "instances": pixels}
    code, found = ask(f"{served.rest}:predict", body)
    assert code == 200 and len(found["predictions"][0]["reconstruction"]) == 32


@pytest.mark.parametrize(
    "body, code, reason",
    [
        ({"signature_name": "no", "instances": []}, 400, "not found"),
        ({"instances": [{"b64": "anVuaw=="}]}, 400, "Unknown image file"),
        ({"instances": [{"b64": "?"}]}, 400, "JSON Parse error"),
        ({"signature_name": "images", "instances": [1]}, 400, ""),
        ({}, 400, "JSON Parse error"),
    ],
)
def test_bad_requests_are_refused(served, body, code, reason):
    found, content = ask(f"{served.rest}:predict", body)
    assert found == code and reason in content["error"]


def test_other_models_and_versions_are_not_found(served):
    assert ask(f"{served.rest}/versions/1")[0] == 200
    assert ask(f"{served.rest}/versions/9")[0] == 404
    assert ask(served.rest.replace("parts", "others"))[0] == 404


def test_a_new_version_loses_no_request(exported, tmp_path, data):
    base_path = tmp_path / "parts"
    shutil.copytree(exported, base_path / "1")
    with (
        serving_double.serve(str(base_path), "parts") as model,
        grpc_double.serve(model),
    ):
        patience = {"timeout": 60, "num_retries": 0}
        clients = [rest_client.RestClient(model.rest, **patience)] * 12
        clients += [grpc_client.GrpcClient(model.grpc, **patience)] * 4
        stop, rows = threading.Event(), []

        def keep_asking(client):
            while not stop.is_set():
                rows.extend(client.score(data))

        def wait_for_rows(count):
            enough = len(rows) + count
            while len(rows) < enough and not any(map(Future.done, asking)):
                stop.wait(0.05)

        with ThreadPoolExecutor(len(clients)) as pool:
            asking = [pool.submit(keep_asking, client) for client in clients]
            wait_for_rows(20)
            shutil.copytree(exported, base_path / ".2")
            os.rename(base_path / ".2", base_path / "2")
            for _ in range(1000):
                if model.version.number == 1:
                    wait_for_rows(1)
            wait_for_rows(40)
            stop.set()
        for future in asking:
            future.result()  # raises what its client met
    assert model.version.number == 2
    by_image = np.reshape(
        [row["anomaly_score"] for row in rows], [-1, len(data)]
    )
    expected = np.broadcast_to(by_image[0], by_image.shape)
    np.testing.assert_allclose(by_image, expected, rtol=1e-4)


def test_the_servers_definitions_read_the_list_of_models():
    found = text_format.Parse(
        (MODELS / "models.config").read_text(),
        model_server_config_pb2.ModelServerConfig(),
    )
    for config in found.model_config_list.config:
        assert config.model_platform == "tensorflow"
        assert config.base_path == f"/models/{config.name}"
        assert serving.newest_version(str(MODELS / config.name))
    names = {config.name for config in found.model_config_list.config}
    versions = MODELS.glob("*/1/saved_model.pb")
    assert names == {path.parts[-3] for path in versions}


def test_the_servers_definitions_read_the_monitoring():
    text = (MODELS / "monitoring.config").read_text()
    found = server_messages.parse(text, "MonitoringConfig")
    assert found.prometheus_config.enable
    assert found.prometheus_config.path.startswith("/monitoring/")
