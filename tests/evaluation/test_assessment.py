import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from test_baselines import NAMES

from ganad_tf.errors import UserError
from ganad_tf.evaluation import metrics
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.score_parts import SCORE_PARTS


def test_results_have_every_field_of_the_contract(assessed):
    results = json.loads(json.dumps(assessed.results, allow_nan=False))
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
        "overkill_rate_expected95",
        "escape_rate",
        "alpha",
        "frechet_by_set",
        "pixel",
        "images_per_second",
    }
    assert list(results["auroc"]) == [
        *(part.name for part in SCORE_PARTS),
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


def test_each_part_of_the_score_is_judged_by_itself(assessed, assessor):
    areas = assessed.results["auroc_by_part"]
    assert list(areas) == list(assessor.detector.parts)
    latent = assessed.detection.part_scores[:, 0]
    assert areas["frechet_scores"] == roc_auc_score(assessed.labels, latent)


def test_images_of_one_thing_count_once_in_what_is_expected(assessor, assessed):
    num_calibration = len(assessor.detector.calibrator_.scores_)
    expected = metrics.expected_rate95(
        0.1, num_calibration=num_calibration, num_images=8
    )
    assert assessed.results["overkill_rate_expected95"] == expected
    pairs = [
        file._replace(group=str(row // 2))
        for row, file in enumerate(assessor.split.test_qualified)
    ]
    split = assessor.split._replace(test_qualified=tuple(pairs))
    grouped = Assessor(assessor.detector, split, seed=0)
    found = grouped._expected_overkill(np.ones(8))["overkill_rate_expected95"]
    assert found == metrics.expected_rate95(
        0.1, num_calibration=num_calibration, num_images=4
    )


def record_inversions(detector, monkeypatch):
    """Images that the detector inverts from now on, in a list."""
    inverted = []
    detect_batches = detector.detect_batches

    def recording(batches, **arguments):
        batches = list(batches)
        inverted.extend(image for batch in batches for image in batch.numpy())
        return detect_batches(batches, **arguments)

    monkeypatch.setattr(detector, "detect_batches", recording)
    return inverted


def test_each_image_is_inverted_once_and_gives_the_same_results(
    assessor, assessed, monkeypatch
):
    inverted = record_inversions(assessor.detector, monkeypatch)
    results = assessor.assess(data="x", method="joint").results
    speed = {"images_per_second": assessed.results["images_per_second"]}
    assert {**results, **speed} == assessed.results
    split = assessor.split
    files = (*split.test, *split.calibration, *split.control)
    expected = [image.tobytes() for image in assessor.load(files)]
    traced, *images = (image.tobytes() for image in inverted)
    assert traced not in expected
    assert sorted(images) == sorted(expected)


def test_distances_are_those_of_each_set_alone(assessor, assessed):
    results = assessed.results
    detector, split = assessor.detector, assessor.split
    for name, files in (
        ("qualified_test", split.test_qualified),
        ("scratch", split.test_defective),
    ):
        latents = detector.invert(assessor.load(files)).descriptors
        expected = detector.latent_gaussian_.frechet_distance(latents.numpy())
        assert results["frechet_by_set"][name] == pytest.approx(
            expected, rel=1e-5
        )
        assert results["frechet_num_images"][name] == len(files)


def test_without_test_images_there_is_nothing_to_assess(assessor):
    split = assessor.split._replace(test_qualified=(), test_defective=())
    untested = Assessor(assessor.detector, split, seed=0)
    with pytest.raises(UserError, match="Expected test images"):
        untested.assess(data="x", method="joint")


def test_pictures_are_kept_only_if_asked_for(assessor):
    files = assessor.split.test[:2]
    assert assessor.detect(files).anomaly_maps is None
    maps = assessor.detect(files, pictures=True).anomaly_maps
    assert np.shape(maps) == (2, 32, 32)


def test_regions_lie_where_the_maps_are_high(assessor, assessed):
    threshold = assessor.detector.map_calibrator_.threshold_
    rows = zip(assessed.files, assessed.regions, strict=True)
    for file, regions in rows:
        assert all(region.peak >= threshold for region in regions)
        assert regions or not file.label  # every scratch is marked
