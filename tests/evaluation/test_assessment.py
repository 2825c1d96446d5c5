import json

import numpy as np
import pytest
from test_baselines import NAMES

from ganad_tf.data import dataset
from ganad_tf.evaluation import assessment
from ganad_tf.evaluation import report


@pytest.fixture
def assessor(parts_detector, mvtec_folder):
    files = dataset.scan_images(dataset.list_images(mvtec_folder))
    split = dataset.split_images(files, seed=0)
    return assessment.Assessor(parts_detector, split, seed=0)


def test_results_have_every_field_of_the_contract(assessor):
    found = assessor.assess(data="x", method="joint")
    results = json.loads(json.dumps(found.results, allow_nan=False))
    assert set(results) >= {
        "data",
        "num_train",
        "num_calibration",
        "num_test_qualified",
        "num_test_defective",
        "seed",
        "versions",
        "auroc",
        "auroc_ci95",
        "auroc_by_type",
        "accuracy",
        "balanced_accuracy",
        "overkill_rate",
        "overkill_rate_ci95",
        "escape_rate",
        "alpha",
        "frechet_by_set",
        "pixel",
        "images_per_second",
    }
    assert list(results["auroc"]) == [
        "anomaly_score",
        "frechet_score",
        "reconstruction_error",
        *NAMES,
    ]
    assert results["auroc"]["anomaly_score"] == 1.0
    assert results["escape_rate"] == 0.0
    assert list(results["frechet_by_set"]) == [
        "generated",
        "qualified_test",
        "scratch",
    ]
    sets = results["frechet_by_set"]
    assert sets["scratch"] > 5 * sets["qualified_test"]
    assert results["pixel"]["aupro"] > 0.8
    assert results["control"]["num_images"] == 5


def test_two_assessments_give_the_same_results(assessor):
    first, second = (
        assessor.assess(data="x", method="joint").results for _ in range(2)
    )
    for results in (first, second):
        assert results.pop("images_per_second") > 0
    assert first == second


def test_panels_show_the_images_they_name(assessor):
    found = assessor.assess(data="x", method="joint")
    panels = [p for row in assessor.panels(found).values() for p in row]
    assert all(isinstance(panel, report.Panel) for panel in panels)
    first = next(p for p in panels if p.caption.startswith("test/scratch"))
    name = first.caption.split(" ")[0]
    row = [file.name for file in found.files].index(name)
    score = found.detection.anomaly_scores[row]
    assert f"score {score:.2f}" in first.caption
    assert "DEFECTIVE" in first.caption
    assert first.image[20:27, 4:11].mean() < -0.8


def test_missed_images_come_with_their_pictures(assessor, monkeypatch):
    found = assessor.assess(data="x", method="joint")
    assert not assessor.misses(found)
    calibrator = assessor.detector.calibrator_
    monkeypatch.setattr(calibrator, "threshold_", np.inf)
    monkeypatch.setattr(assessment, "MAX_PICTURED", 3)
    missed = assessor.misses(found)
    assert len(missed) == 8
    assert [miss.score for miss in missed] == sorted(m.score for m in missed)
    assert all(miss.num_regions for miss in missed)
    assert set(missed[0].shares) == {"frechet_score", "reconstruction_error"}
    assert missed[0].image[20:27, 4:11].mean() < -0.8
    assert [miss.image is None for miss in missed] == [False] * 3 + [True] * 5


def test_without_test_images_there_is_nothing_to_assess(assessor):
    assessor.split = assessor.split._replace(
        test_qualified=(), test_defective=()
    )
    with pytest.raises(ValueError, match="no test image"):
        assessor.assess(data="x", method="joint")


def test_pictures_are_kept_only_if_asked_for(assessor):
    files = assessor.split.test[:2]
    assert assessor.detect(files).anomaly_maps is None
    maps = assessor.detect(files, pictures=True).anomaly_maps
    assert np.shape(maps) == (2, 32, 32)


def test_regions_lie_where_the_maps_are_high(assessor):
    found = assessor.assess(data="parts", method="joint")
    threshold = assessor.detector.map_calibrator_.threshold_
    assert len(found.regions) == len(found.files)
    for file, regions in zip(found.files, found.regions, strict=True):
        assert all(region.peak >= threshold for region in regions)
        assert regions or not file.label  # every scratch is marked
