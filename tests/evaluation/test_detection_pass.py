import os
import shutil

import numpy as np
import pytest
from PIL import Image

from ganad_tf.detector.regions import find_regions
from ganad_tf.evaluation.detection_pass import detection_pass
from ganad_tf.evaluation.pixel_scores import PixelScores


@pytest.fixture(scope="module")
def run(assessor):
    """The pass over the test images in batches of 5, and all at once."""
    files = assessor.split.test
    batches = assessor.batches(files).unbatch().batch(5)
    passed = detection_pass(assessor.detector, files, batches)
    return files, passed, assessor.detect(files, pictures=True)


def test_numbers_are_those_of_the_detector(run):
    files, passed, expected = run
    for name in ("anomaly_scores", "p_values", "latents"):
        np.testing.assert_allclose(
            getattr(passed.detection, name),
            getattr(expected, name),
            rtol=1e-4,
            atol=1e-4,
        )
    assert passed.detection.anomaly_maps is None
    assert len(passed.detection.descriptors) == len(files)
    assert passed.images_per_second > 0


def test_regions_and_pictures_are_those_of_each_image(run, assessor):
    files, passed, expected = run
    threshold = assessor.detector.map_calibrator_.threshold_
    for row, anomaly_map in enumerate(expected.anomaly_maps):
        regions = find_regions(anomaly_map, threshold)
        assert [r[:5] for r in passed.regions[row]] == [r[:5] for r in regions]
        np.testing.assert_allclose(
            passed.pictures[row].anomaly_map, anomaly_map, rtol=1e-3, atol=1e-4
        )
        np.testing.assert_array_equal(
            passed.pictures[row].image, assessor.load([files[row]])[0]
        )


def test_pixels_are_those_of_masked_and_qualified_images(run):
    files, passed, expected = run
    scores = PixelScores()
    for file, anomaly_map in zip(files, expected.anomaly_maps, strict=True):
        mask = np.zeros([32, 32], bool)
        mask[20:27, 4:11] = file.label
        scores.add(mask, anomaly_map)
    results = scores.results()
    assert passed.pixel_results == {
        "auroc": pytest.approx(results["auroc"], abs=1e-4),
        "aupro": pytest.approx(results["aupro"], abs=1e-3),
        "num_masks": 8,
    }
    assert passed.unusable_masks == []


def test_an_unusable_mask_costs_its_pixels_alone(assessor, tmp_path, caplog):
    files = [f for f in assessor.split.test_defective if "scratch" in f.name]
    root = files[0].path.removesuffix(files[0].name)
    copy = shutil.copytree(root, tmp_path / "copy")
    files = [
        f._replace(path=f.path.replace(root, f"{copy}/", 1)) for f in files
    ]
    cut, turned = (
        copy / "ground_truth" / "scratch" / os.path.basename(f.path)
        for f in files[:2]
    )
    cut.write_bytes(cut.read_bytes()[:50])
    Image.new("L", (64, 32)).save(turned)
    passed = detection_pass(assessor.detector, files, assessor.batches(files))
    assert passed.pixel_results["num_masks"] == len(files) - 2
    expected = {files[0].name: str(cut), files[1].name: str(turned)}
    for mask in passed.unusable_masks:
        assert expected.pop(mask["name"]) in mask["status"]
        assert mask["status"] in caplog.text
    assert not expected


def test_without_masks_there_are_no_pixel_scores(assessor):
    files = assessor.split.test_qualified
    passed = detection_pass(assessor.detector, files, assessor.batches(files))
    assert passed.pixel_results == {}
