import io
import json
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
from PIL import Image

from ganad_tf.training import monitoring

RUNS = ("training", "inversion", "evaluation", "hparams")
TAGGED_PLUGINS = ("scalars", "images", "histograms", "text")


def wait_until_read(ask):
    """Until TensorBoard has found every run and finds nothing more in them."""
    runs = {f"logs/{name}" for name in RUNS}
    before, deadline = None, time.time() + 120
    while time.time() < deadline:
        tags = [ask(f"plugin/{plugin}/tags") for plugin in TAGGED_PLUGINS]
        if tags == before and runs <= {run for found in tags for run in found}:
            return
        before = tags
        time.sleep(2)
    raise TimeoutError(f"TensorBoard found {before}")


@pytest.fixture(scope="module")
def board(chain):
    """Asks a real TensorBoard of the chain's model folder over HTTP."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tensorboard.main", "--port=0"),
            *(f"--logdir={chain[0]}", "--reload_interval=1"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    port = next(
        found.group(1)
        for line in process.stderr
        if (found := re.search(r"at http://[^ ]*:(\d+)/", line))
    )
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()

    def ask(path, **query):
        url = f"http://localhost:{port}/data/{path}"
        if query:
            url += f"?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url) as answer:
            content = answer.read()
        return json.loads(content) if content[:1] in b"[{" else content

    try:
        wait_until_read(ask)
        yield ask
    finally:
        process.terminate()
        process.wait()


def test_tensorboard_shows_the_training(board):
    run = "logs/training"
    scalars = board("plugin/scalars/tags")[run]
    groups = {tag.split("/")[0] for tag in scalars}
    assert groups == {
        *("losses", "discriminator", "gradient_norms", "learning_rates"),
        *("samples", "speed", "held_out"),
    }
    (point,) = board(
        "plugin/scalars/scalars", run=run, tag=monitoring.HELD_OUT_TAG
    )
    assert point[1] == 20 and 0 < point[2] < 1
    for tag in board("plugin/images/tags")[run]:
        picture = board("plugin/images/images", run=run, tag=tag, sample=0)[0]
        encoded = board(f"plugin/images/individualImage?{picture['query']}")
        assert Image.open(io.BytesIO(encoded)).width > 100
    histograms = board("plugin/histograms/tags")[run]
    assert {"latents/sampled", "latents/held_out_images"} < set(histograms)
    (text,) = board(
        "plugin/text/text", run=run, tag="training/settings_and_data"
    )
    assert "<td>train</td>" in text["text"] and "num_steps" in text["text"]


def test_tensorboard_shows_the_inversion_and_the_evaluation(board):
    curves = board("plugin/scalars/tags")["logs/inversion"]
    assert "inversion_losses_of_calibration_images/quantile_50" in curves
    points = board(
        "plugin/scalars/scalars",
        run="logs/inversion",
        tag="inversion_losses_of_calibration_images/quantile_50",
    )
    assert [point[1] for point in points] == list(range(4))
    assert set(board("plugin/images/tags")["logs/evaluation"]) == {
        "test/anomaly_score",
        "test/roc_curves",
        "test/precision_recall_curves",
    }
    histograms = board("plugin/histograms/tags")["logs/evaluation"]
    assert "test/anomaly_score_of_defective" in histograms
    assert "test/log10_frechet_score_of_qualified" in histograms


def test_tensorboard_shows_latents_in_the_projector(board):
    (run,) = board("plugin/projector/runs")
    where = {"run": run, "name": "latents"}
    info = board("plugin/projector/info", run=run)["embeddings"][0]
    assert info["tensorName"] == "latents"
    rows = board("plugin/projector/metadata", **where).decode().splitlines()
    assert rows[0].split("\t") == ["set", "verdict", "name"]
    assert len(rows) == 1 + 45 + 15 + 8 + 8
    assert sum(row.split("\t")[0] == "test: spot" for row in rows) == 8
    values = np.frombuffer(
        board("plugin/projector/tensor", **where), np.float32
    )
    assert values.size == 6 * 76 and np.ptp(values) > 0
    sprite = board("plugin/projector/sprite_image", **where)
    side = 9 * info["sprite"]["singleImageDim"][0]
    assert Image.open(io.BytesIO(sprite)).size == (side, side)


def test_tensorboard_compares_runs_by_their_hyperparameters(board):
    request = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS"],
        "colParams": [],
        "startIndex": 0,
        "sliceSize": 10,
    }
    groups = board(
        "plugin/hparams/session_groups", request=json.dumps(request)
    )["sessionGroups"]
    assert groups[0]["hparams"]["latent_dim"] == 6
    names = {m["name"]["tag"] for m in groups[0]["metricValues"]}
    assert names == {
        "metrics/auroc",
        "metrics/images_per_second",
        "metrics/held_out_denoising_loss",
        "metrics/held_out_reconstruction_loss",
        "metrics/training_images_per_second",
    }
