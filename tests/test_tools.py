import csv
import json
import os
import pathlib
import re
import shutil
import subprocess

import grpc_double
import numpy as np
import pytest
from conftest import make_parts
from conftest import write_images
from PIL import Image
from tool_runner import TOOLS
from tool_runner import TRAIN
from tool_runner import command
from tool_runner import done
from tool_runner import failed
from tool_runner import run

from ganad_tf.benchmark import serving_double
from ganad_tf.serving import servable


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def scored(output, **flags):
    """The rows that score_images.py writes to `output`."""
    done("score_images", output=str(output), **flags)
    return table(output)


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
    rows = scored(
        tmp_path / "scores.csv",
        saved_model=saved,
        images=f"{product}/test",
        maps_dir=str(tmp_path / "maps"),
        batch_size=3,
    )
    expected = {
        os.path.basename(os.path.dirname(row["path"]))
        + os.path.basename(row["path"]): row
        for row in table(f"{report}/scores.csv")
    }
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
    small = [*TRAIN, "--field_steps=2"]
    for line in (  # in processes started by hand, not forked as the first
        command("train_gan", *small, num_steps=20, **flags),
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
    rows = scored(
        tmp_path / "scores.csv", saved_model=chain[2], images=str(folder)
    )
    status = {os.path.basename(row["path"]): row["status"] for row in rows}
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
    with (
        serving_double.serve(chain[2], "parts") as served,
        grpc_double.serve(served),
    ):
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
        flags.pop("output")
        by_grpc = scored(
            f"{output}.grpc",
            server=served.grpc,
            maps_dir=str(tmp_path / "maps"),
            **flags,
        )
    assert "images are scored already" in again.stderr
    assert os.listdir(tmp_path / "maps")
    here = scored(f"{output}.here", saved_model=chain[2], **flags)
    for other in (by_grpc, here):
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
    assert "saved_model.pb cannot be read" in line


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
    assert "one of --saved_model" in failed("score_images", **fine)
    assert "Expected http://" in failed(
        "score_images", server="ftp://host", **fine
    )
    assert "No answer from http://127.0.0.1:9/v1/models/x" in failed(
        "score_images",
        server="http://127.0.0.1:9/v1/models/x",
        num_retries=0,
        **fine,
    )


def test_unusable_values_and_folders_are_one_line(chain, product, tmp_path):
    model = shutil.copytree(chain[0], tmp_path / "model")
    damaged = shutil.copytree(model, tmp_path / "damaged")
    (damaged / "checkpoint.weights.h5").write_bytes(b"nothing")
    (tmp_path / "file").write_text("text")
    fit = {"data": product, "model_dir": model, "alpha": 0.1}
    train = {"data": product, "model_dir": tmp_path / "new"}
    for line, tool, flags in (
        ("alpha=1.5", "fit_detector", {**fit, "alpha": 1.5}),
        ("learning_rate=-1", "fit_detector", {**fit, "learning_rate": -1}),
        ("damaged", "fit_detector", {**fit, "model_dir": damaged}),
        ("resolution", "train_gan", {**train, "resolution": 8}),
        ("Received: latent", "train_gan", {**train, "sweep": "latent=1"}),
        ("Received: 'width'", "train_gan", {**train, "sweep": "width"}),
        ("--width=x", "train_gan", {**train, "sweep": "width=x"}),
        ("elpv:duo", "train_gan", {**train, "data": "elpv:duo"}),
        (
            "Cannot write",
            "train_gan",
            {**train, "model_dir": tmp_path / "file" / "x"},
        ),
        ("has no entry", "print_results", {"results": model / "config.json"}),
        ("not JSON", "print_results", {"results": f"{chain[1]}/report.html"}),
    ):
        assert line in failed(tool, **flags)


def test_changed_data_is_an_error(chain, product, tmp_path):
    changed = str(tmp_path / "changed")
    shutil.copytree(product, changed)
    os.remove(f"{changed}/train/good/part007.png")
    assert "1 images of split.json are missing" in failed(
        "fit_detector", data=changed, model_dir=chain[0]
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
