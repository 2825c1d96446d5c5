import json
import os
import pathlib

import numpy as np
import pytest
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images
from tool_runner import done
from tool_runner import failed

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.data import dataset
from ganad_tf.errors import UserError
from ganad_tf.evaluation import metrics
from ganad_tf.production import recalibration


def dimmed(parts):
    """The same parts in 15 % less light."""
    return (parts + 1.0) * 0.85 - 1.0


@pytest.fixture
def recalibrate(tmp_path, monkeypatch, parts_detector):
    """Recalibrates the detector of parts; what was exported is kept."""
    model = tmp_path / "model"
    tiny_config().save(str(model))
    empty = dataset.Split(*[()] * 6)
    dataset.save_split(empty, str(model), data="parts", seed=0)
    exported = []

    def export(detector, export_dir, *, record, **_):
        exported.append(detector)
        record(2)
        run.at_publishing()
        return f"{export_dir}/2"

    monkeypatch.setattr(
        recalibration, "load_detector", lambda _: parts_detector
    )
    monkeypatch.setattr(recalibration.export, "export_detector", export)

    def run(images, **flags):
        write_images(tmp_path / "new", images)
        found = recalibration.recalibrate(
            str(model), str(tmp_path / "new"), **flags
        )
        return found, exported[-1]

    run.model = model
    run.at_publishing = lambda: None
    return run


def test_fifty_new_images_restore_the_overkill(recalibrate, parts_detector):
    later = dimmed(make_parts(300, seed=22))
    before = parts_detector.detect(later).is_defective.numpy().mean()
    found, fitted = recalibrate(dimmed(make_parts(50, seed=21)))
    after = fitted.detect(later).is_defective.numpy().mean()
    low, high = metrics.expected_rate95(0.1, num_calibration=50, num_images=300)
    assert before > high and low <= after <= high
    facts = found.facts
    assert facts["before"]["overkill_rate"] == pytest.approx(before, abs=0.15)
    assert facts["after"]["threshold"] == fitted.calibrator_.threshold_
    moved = facts["after"]["threshold_on_earlier_scale"]
    assert moved > facts["before"]["threshold"]
    assert facts["residual_ratios"]["around_their_mean"] < 2.0


def test_the_models_own_detector_stays(recalibrate, parts_detector):
    scores = parts_detector.calibrator_.scores_
    found, fitted = recalibrate(dimmed(make_parts(20, seed=21)), alpha=0.2)
    assert fitted.alpha == 0.2 and parts_detector.alpha == 0.1
    assert parts_detector.calibrator_.scores_ is scores
    names = {"config.json", "recalibrated", "split.json"}
    assert set(os.listdir(recalibrate.model)) == names
    path = pathlib.Path(found.folder, recalibration.FACTS_NAME)
    kept = json.loads(path.read_text())
    assert len(kept["calibration_images"]) == 20
    assert {"detector.json", "statistics.npz"} < set(os.listdir(found.folder))


def test_new_statistics_are_of_other_images_than_the_calibration(
    recalibrate, parts_detector
):
    images = dimmed(make_parts(80, seed=21))
    _, fitted = recalibrate(images, statistics=True)
    assert fitted.latent_gaussian_.num_latents_ == 60
    assert len(fitted.calibrator_.scores_) == 20
    later = dimmed(make_parts(200, seed=22))
    rate = fitted.detect(later).is_defective.numpy().mean()
    _, high = metrics.expected_rate95(0.1, num_calibration=20, num_images=200)
    assert rate <= high
    assert fitted.detect(scratch(later)).is_defective.numpy().mean() > 0.9


def test_the_record_is_complete_before_the_version_appears(recalibrate):
    record = recalibrate.model / recalibration.FOLDER / "2"

    def kill():
        assert len(list(record.iterdir())) == 3
        raise KeyboardInterrupt

    recalibrate.at_publishing = kill
    with pytest.raises(KeyboardInterrupt):
        recalibrate(dimmed(make_parts(20, seed=21)))
    recalibrate.at_publishing = lambda: None
    found, fitted = recalibrate(dimmed(make_parts(24, seed=21)))
    assert found.folder == str(record)
    kept = json.loads((record / recalibration.FACTS_NAME).read_text())
    assert len(kept["calibration_images"]) == 24
    stored = json.loads((record / "detector.json").read_text())
    assert stored["threshold"] == fitted.calibrator_.threshold_


def test_images_are_grouped_as_the_model_was_trained(recalibrate):
    empty = dataset.Split(*[()] * 6)
    dataset.save_split(
        empty, str(recalibrate.model), data="", seed=0, group_by="(.)[.]png"
    )
    found, fitted = recalibrate(dimmed(make_parts(24, seed=21)))
    assert len(fitted.calibrator_.scores_) == 10
    assert found.facts["before"]["num_images"] == 10


def test_too_few_new_images_are_an_error(recalibrate):
    with pytest.raises(UserError, match="Too few calibration images"):
        recalibrate(make_parts(8, seed=0))
    with pytest.raises(UserError, match="Too few new images for --statistics"):
        recalibrate(make_parts(8, seed=0), statistics=True)


def test_too_few_new_images_are_refused_before_any_is_measured(
    recalibrate, monkeypatch
):
    monkeypatch.setattr(recalibration.fitting, "calibrate", None)
    monkeypatch.setattr(recalibration.new_images, "measure", None)
    for statistics, count in ((False, 8), (True, 16)):
        with pytest.raises(UserError, match="Too few calibration images"):
            recalibrate(make_parts(count, seed=0), statistics=statistics)


def test_marked_images_are_left_out(recalibrate, tmp_path):
    (tmp_path / "marks").write_text("part003.png\npart004.png\n")
    found, _ = recalibrate(
        make_parts(22, seed=21), marks_path=str(tmp_path / "marks")
    )
    assert found.facts["before"]["num_images"] == 20


def test_images_that_the_networks_cannot_reconstruct_are_refused(recalibrate):
    parts = make_parts(30, seed=21)
    # Parts that lie somewhere, for networks that know them in place.
    moved = [np.roll(part, row % 16, axis=1) for row, part in enumerate(parts)]
    with pytest.raises(UserError, match="no longer reconstruct.*init_from"):
        recalibrate(np.stack(moved))
    assert not (recalibrate.model / recalibration.FOLDER).exists()


def test_the_tool_publishes_the_next_version(chain, tmp_path):
    model, _, saved = chain
    write_images(tmp_path / "new", dimmed(make_parts(30, seed=5)))
    before = sorted(os.listdir(model))
    answer = done(
        "recalibrate",
        model_dir=model,
        images=str(tmp_path / "new"),
        export_dir=str(tmp_path / "versions"),
    )
    assert "threshold: " in answer.stdout and "overkill" in answer.stdout
    manifest = json.loads(
        (tmp_path / "versions/1/assets.extra/manifest.json").read_text()
    )
    assert manifest["num_calibration"] == 30
    assert manifest["recalibration"]["before"]["num_calibration"] == 15
    parity = json.loads(
        (tmp_path / "versions/1/assets.extra/parity.json").read_text()
    )
    assert all(check["passed"] for check in parity["checks"].values())
    assert sorted(os.listdir(model)) == sorted([*before, "recalibrated"])
    line = failed(
        "recalibrate", model_dir=model, images=str(tmp_path / "nowhere")
    )
    assert "no folder" in line
