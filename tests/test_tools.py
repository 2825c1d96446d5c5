import csv
import html
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import h5py
import numpy as np
import pytest
import serving_double
from conftest import make_parts
from conftest import write_images
from PIL import Image
from tool_runner import TOOLS
from tool_runner import command
from tool_runner import run

from ganad_tf import monitoring
from ganad_tf import servable

RUNS = ("training", "inversion", "evaluation", "hparams")
TAGGED_PLUGINS = ("scalars", "images", "histograms", "text")
TRAIN = ["--image_size=32", "--latent_dim=6", "--width=4", "--batch_size=8"]


def done(tool, *more, **flags):
    answer = run(tool, *more, **flags)
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stderr
    return answer


def failed(tool, *more, **flags):
    """The one line that a failed tool prints last."""
    answer = run(tool, *more, **flags)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    lines = answer.stderr.strip().splitlines()
    assert lines[-1].startswith(f"{tool}.py: error: ")
    return lines[-1]


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "product"
    write_images(folder / "train" / "good", make_parts(60, seed=0))
    write_images(folder / "test" / "good", make_parts(8, seed=1))
    bad = make_parts(8, seed=2)
    bad[:, 20:27, 4:11] = -0.9
    write_images(folder / "test" / "spot", bad)
    (folder / "test" / "spot" / "broken.png").write_bytes(b"\x89PNG")
    return str(folder)


@pytest.fixture(scope="module")
def chain(product, tmp_path_factory):
    """Model, report and SavedModel folders of the whole chain."""
    root = tmp_path_factory.mktemp("chain")
    model, report, saved = (str(root / n) for n in ("model", "report", "saved"))
    trained = done(
        "train_gan", *TRAIN, data=product, model_dir=model, num_steps=20
    )
    assert "fit_detector.py" in trained.stdout  # the next command
    done("fit_detector", data=product, model_dir=model, alpha=0.1)
    done("evaluate_detector", data=product, model_dir=model, report_dir=report)
    done("export_saved_model", model_dir=model, export_dir=saved)
    return model, report, saved


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_chain_writes_what_is_promised(chain):
    model, report, saved = chain
    assert {"config.json", "split.json", "logs", "detector"} <= set(
        os.listdir(model)
    )
    assert set(os.listdir(report)) == {
        "examples.png",
        "regions.csv",
        "results.json",
        "scores.csv",
        "report.html",
    }
    assert os.path.exists(f"{saved}/1/assets.extra/manifest.json")
    results = json.loads(pathlib.Path(report, "results.json").read_text())
    assert results["auroc"]["anomaly_score"] > 0.95
    assert results["num_train"] == 45
    assert [row["name"] for row in results["unreadable"]] == [
        "test/spot/broken.png"
    ]
    rows = table(f"{report}/scores.csv")
    assert len(rows) == 17 and rows[-1]["status"] != "ok"
    assert rows[-1]["anomaly_score"] == ""


def test_the_exported_model_scores_as_the_evaluation_did(
    chain, product, tmp_path
):
    _, report, saved = chain
    output = str(tmp_path / "scores.csv")
    done(
        "score_images",
        saved_model=saved,
        images=f"{product}/test",
        output=output,
        maps_dir=str(tmp_path / "maps"),
        batch_size=3,
    )
    expected = {
        os.path.basename(os.path.dirname(row["path"]))
        + os.path.basename(row["path"]): row
        for row in table(f"{report}/scores.csv")
    }
    rows = table(output)
    assert [row["path"] for row in rows] == sorted(r["path"] for r in rows)
    for row in rows:
        path = pathlib.Path(row["path"])
        other = expected[path.parent.name + path.name]
        assert row["status"] == other["status"]
        if row["status"] == "ok":
            for name in ("anomaly_score", "frechet_score", "p_value"):
                assert float(row[name]) == pytest.approx(
                    float(other[name]), rel=1e-4, abs=1e-5
                )
    written = os.listdir(tmp_path / "maps")
    assert sum(name.endswith(".png") for name in written) == 16
    regions = table(tmp_path / "maps" / "regions.csv")
    evaluated = {
        row["path"].rsplit("/", 1)[-1] for row in table(f"{report}/regions.csv")
    }
    assert {row["path"].rsplit("/", 1)[-1] for row in regions} == evaluated


def test_a_second_run_gives_the_same_results(chain, product, tmp_path):
    _, report, _ = chain
    model, again = str(tmp_path / "model"), str(tmp_path / "report")
    flags = {"data": product, "model_dir": model}
    for line in (  # in processes started by hand, not forked as the first
        command("train_gan", *TRAIN, num_steps=20, **flags),
        command("fit_detector", alpha=0.1, **flags),
        command("evaluate_detector", report_dir=again, **flags),
    ):
        subprocess.run(line, check=True, capture_output=True)
    first, second = (
        json.loads(pathlib.Path(folder, "results.json").read_text())
        for folder in (report, again)
    )
    for results in (first, second):
        results.pop("images_per_second")
    assert first == second


def weights(model):
    found = {}
    with h5py.File(os.path.join(model, "checkpoint.weights.h5")) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: np.array(item)})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def test_a_training_killed_at_any_moment_ends_like_an_uninterrupted_one(
    product, tmp_path
):
    whole, cut = str(tmp_path / "whole"), str(tmp_path / "cut")
    flags = {"data": product, "num_steps": 300}
    done("train_gan", *TRAIN, model_dir=whole, **flags)
    process = subprocess.Popen(
        command("train_gan", *TRAIN, model_dir=cut, **flags),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoint = os.path.join(cut, "checkpoint.weights.h5")
    while not os.path.exists(checkpoint) and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed = done("train_gan", *TRAIN, model_dir=cut, **flags)
    assert "Going on at step" in resumed.stderr
    first, second = weights(whole), weights(cut)
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def test_score_images_tells_the_reason_of_every_bad_file(chain, tmp_path):
    folder = tmp_path / "images"
    write_images(folder, make_parts(2, seed=5))
    good = Image.open(folder / "part000.png")
    good.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.asarray(good).astype(np.uint16) * 257).save(
        folder / "wide.tif"
    )
    good.save(folder / "moving.gif", save_all=True, append_images=[good])
    good.resize((1, 1)).save(folder / "dot.png")
    (folder / "text.png").write_text("text")
    (folder / "empty.png").write_bytes(b"")
    data = (folder / "part001.png").read_bytes()
    (folder / "half.png").write_bytes(data[: len(data) // 2])
    output = str(tmp_path / "scores.csv")
    done(
        "score_images", saved_model=chain[2], images=str(folder), output=output
    )
    status = {os.path.basename(r["path"]): r["status"] for r in table(output)}
    fine = {name for name, reason in status.items() if reason == "ok"}
    assert fine == {"part000.png", "part001.png", "cmyk.jpg", "wide.tif"}
    for name, reason in {
        "moving.gif": "unsupported format GIF",
        "dot.png": "1x1",
        "text.png": "not an image",
        "empty.png": "empty file",
        "half.png": "truncated",
    }.items():
        assert reason in status[name]


def test_a_run_that_a_server_left_goes_on(chain, product, tmp_path):
    output = str(tmp_path / "scores.csv")
    flags = {"images": f"{product}/test", "output": output, "batch_size": 2}
    with serving_double.serve(chain[2], "parts") as served:
        ask = served.find

        def find_until_the_seventh(*arguments):
            if served.num_requests > 6:
                served.num_failures = 1
            return ask(*arguments)

        served.find = find_until_the_seventh
        line = failed(
            "score_images", server=served.rest, num_retries=0, **flags
        )
        assert "overloaded" in line and not os.path.exists(output)
        served.find = ask
        served.num_failures = 0
        again = done("score_images", server=served.rest, **flags)
        done(
            "score_images",
            server=served.grpc,
            maps_dir=str(tmp_path / "maps"),
            **{**flags, "output": f"{output}.grpc"},
        )
    assert "images are scored already" in again.stderr
    assert os.listdir(tmp_path / "maps")
    done(
        "score_images",
        saved_model=chain[2],
        **{**flags, "output": f"{output}.here"},
    )
    for other in (table(f"{output}.grpc"), table(f"{output}.here")):
        for row, expected in zip(table(output), other, strict=True):
            assert row["path"] == expected["path"]
            assert row["status"] == expected["status"]
            if row["status"] == "ok":
                assert float(row["anomaly_score"]) == pytest.approx(
                    float(expected["anomaly_score"]), rel=1e-4
                )
    assert not os.path.exists(f"{output}.part")


def test_the_dial_is_calibrated_anew_and_the_export_checks(
    chain, product, tmp_path
):
    model, _, saved = chain
    fast = str(tmp_path / "fast")
    done(
        "export_saved_model",
        model_dir=model,
        export_dir=fast,
        data=product,
        num_steps=0,
    )
    manifests = [
        json.loads(pathlib.Path(f, "1/assets.extra/manifest.json").read_text())
        for f in (saved, fast)
    ]
    steps = [m["detector"]["inverter"]["num_steps"] for m in manifests]
    assert steps[0] > 0 == steps[1]
    assert manifests[0]["threshold"] != manifests[1]["threshold"]
    answer = done(
        "check_saved_model", saved_model=saved, data=product, model_dir=model
    )
    assert json.loads(answer.stdout)["passed"]


def halve_pixels():
    """From now on, exported models see other pixels than their detectors."""
    scaled = servable._scaled
    servable._scaled = lambda pixels: scaled(pixels) / 2


def test_an_export_that_fails_its_check_is_not_published(chain, tmp_path):
    line = failed(
        "export_saved_model",
        prepare=halve_pixels,
        model_dir=chain[0],
        export_dir=str(tmp_path / "saved"),
    )
    assert "not published: signature images: anomaly_map differs by" in line
    assert os.listdir(tmp_path / "saved") == []


def test_a_broken_export_fails_its_check_in_one_line(chain, product, tmp_path):
    broken = str(tmp_path / "1")
    shutil.copytree(f"{chain[2]}/1", broken)
    pathlib.Path(broken, "saved_model.pb").write_bytes(b"nothing")
    line = failed("check_saved_model", saved_model=broken, data=product)
    assert "does not run in the C++ runtime" in line


def test_nothing_to_score_is_an_error_with_rows(chain, tmp_path):
    (tmp_path / "text.png").write_text("text")
    output = str(tmp_path / "scores.csv")
    line = failed(
        "score_images",
        saved_model=chain[2],
        images=str(tmp_path / "*.png"),
        output=output,
    )
    assert "no image could be scored" in line
    assert len(table(output)) == 1


def test_users_errors_are_one_line(chain, product, tmp_path):
    model, _, saved = chain
    empty = tmp_path / "empty"
    empty.mkdir()
    nowhere = str(tmp_path / "nowhere")
    fine = {"data": product, "model_dir": str(tmp_path / "m")}
    assert "There is no image" in failed(
        "train_gan", data=str(empty), model_dir=nowhere
    )
    assert "There is no folder" in failed(
        "train_gan", data=nowhere, model_dir=nowhere
    )
    assert "other settings: width=4 not 8" in failed(
        "train_gan",
        *TRAIN,
        "--width=8",
        "--num_steps=20",
        data=product,
        model_dir=model,
    )
    assert "image_size=48" in failed("train_gan", "--image_size=48", **fine)
    assert "Unknown command line flag 'steps'" in failed(
        "train_gan", "--steps=1", **fine
    )
    assert "--model_dir" in failed("train_gan", data=product)
    assert "unexpected argument 'x'" in failed("train_gan", "x", **fine)
    assert "Run train_gan.py first" in failed(
        "fit_detector", data=product, model_dir=nowhere
    )
    assert "Too few calibration images for alpha=0.01" in failed(
        "fit_detector", data=product, model_dir=model, alpha=0.01
    )
    assert "version=1" in failed(
        "export_saved_model", model_dir=model, export_dir=saved, version=1
    )
    assert "no SavedModel" in failed(
        "score_images", saved_model=nowhere, images=product, output=nowhere
    )
    assert "There is no image at" in failed(
        "score_images", saved_model=saved, images=nowhere, output=nowhere
    )
    assert "calibrated for. Expected --data" in failed(
        "export_saved_model", model_dir=model, export_dir=nowhere, num_steps=7
    )
    fine = {"images": product, "output": nowhere}
    assert "one of them" in failed("score_images", **fine)
    assert "Expected http://" in failed(
        "score_images", server="ftp://host", **fine
    )
    assert "No answer from http://127.0.0.1:9/v1/models/x" in failed(
        "score_images",
        server="http://127.0.0.1:9/v1/models/x",
        num_retries=0,
        **fine,
    )


def test_changed_data_is_an_error(chain, product, tmp_path):
    changed = str(tmp_path / "changed")
    shutil.copytree(product, changed)
    os.remove(f"{changed}/train/good/part007.png")
    assert "1 images of the training's split are missing" in failed(
        "fit_detector", data=changed, model_dir=chain[0]
    )


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
        "metrics/held_out_reconstruction_loss",
        "metrics/training_images_per_second",
    }


def test_a_sweep_names_the_best_and_repeats_nothing(product, tmp_path):
    root = str(tmp_path / "sweep")
    sweep = "--sweep=width=4,6;learning_rate=1e-4"
    first = done(
        "train_gan", *TRAIN, sweep, data=product, model_dir=root, num_steps=6
    )
    found = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    losses = found["held_out_reconstruction_loss"]
    assert set(losses) == {
        f"learning_rate=1e-4,width={width}" for width in (4, 6)
    }
    assert found["best"] == min(losses, key=losses.get)
    assert f"--model_dir={root}/{found['best']}" in first.stdout
    second = done(
        "train_gan", *TRAIN, sweep, data=product, model_dir=root, num_steps=6
    )
    assert second.stderr.count("The training has ended already.") == 2
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text()) == found
    assert "Received: seed" in failed(
        "train_gan", "--sweep=seed=1,2", data=product, model_dir=root
    )


def test_the_paper_is_reproduced_on_one_page(chain, product, tmp_path):
    folder = tmp_path / "paper"
    done(
        "reproduce_paper",
        data=product,
        model_dir=chain[0],
        report_dir=str(folder),
    )
    page = (folder / "paper.html").read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    sections = json.loads((folder / "paper.json").read_text())
    pictures = {f"figure_{n}" for n in (5, 6, 7, 8)} | {"figures_9_10"}
    tables = {"tables_1_2_paper", "tables_1_2_detector", "table_3"}
    assert set(sections) == pictures | tables
    pictures |= tables - {"table_3"}
    assert {path.stem for path in folder.glob("*.png")} == pictures
    assert page.count("<img") == 7 and page.count("The paper.") == 8
    spot = sections["tables_1_2_detector"]["spot"]
    assert spot["num_images"] == 8 and spot["ratio"][0] > 5
    assert all(
        sections[name]["finding"] in html.unescape(page) for name in tables
    )


@pytest.mark.parametrize(
    "tool",
    sorted(p.stem for p in TOOLS.glob("*.py") if not p.stem.endswith("cli")),
)
def test_help_teaches(tool):
    answer = run(tool, "--help")
    assert f"python tools/{tool}.py" in answer.stdout
    assert answer.returncode in (0, 1) and "Traceback" not in answer.stderr
    described = re.findall(r"--(?:\[no\])?\w+: ", answer.stdout)
    has_flags = "flags.DEFINE" in (TOOLS / f"{tool}.py").read_text()
    assert described or not has_flags


def test_clients_at_once_lose_nothing(chain):
    answer = done(
        "benchmark_serving",
        saved_model=chain[2],
        num_requests=60,
        num_clients=4,
        seconds=2,
        num_swaps=1,
    )
    figures = json.loads(answer.stdout)
    assert len(figures) == 2
    for found in figures.values():
        assert found["right score"] == 54
        assert found["refused with a reason"] == 6
        assert found["wrong score"] == found["lost"] == 0
        assert found["requests/s"] < 60 / 1.9
        assert len(found["server memory, MB"]) == 10


def test_results_are_printed_as_a_table(chain):
    path = f"{chain[1]}/results.json"
    lines = done("print_results", results=path).stdout.splitlines()
    assert lines[0].startswith("| data | method | AUROC")
    assert len(lines) == 2 + 11


def test_sets_and_seeds_are_evaluated_by_one_command(product, tmp_path):
    output = str(tmp_path / "sets")
    flags = {
        "sets": product,
        "seeds": "0",
        "alpha": 0.1,
        "output_dir": output,
        "train_flags": ",".join([*TRAIN, "--num_steps=2"]),
    }
    first = done("evaluate_sets", **flags)
    assert f"| {product} | AUROC anomaly_score |" in first.stdout
    with open(os.path.join(output, "sets.json")) as file:
        figures = json.load(file)[product]
    found = figures["AUROC frechet_score"]
    assert found["least"] == found["mean"] == found["largest"]
    again = done("evaluate_sets", **flags)
    # The table alone: nothing is repeated.
    assert first.stdout.endswith(again.stdout)
    assert again.stdout.startswith("| data |")
