"""Detectors that were fitted in two ways to the same images."""

import shutil

import numpy as np
import pytest
from conftest import make_parts

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.detector import model_folder


def copied(model, target):
    """A trained model without its detector."""
    ignored = shutil.ignore_patterns(model_folder.DETECTOR_NAME)
    return str(shutil.copytree(model, target, ignore=ignored))


def assert_equal_detectors(model, other):
    detectors = [model_folder.load_detector(m) for m in (model, other)]
    parts = make_parts(30, seed=9)
    images = np.concatenate([parts, scratch(parts)])
    one, two = (detector.detect_batches([images]) for detector in detectors)
    assert one.is_defective.any() and not one.is_defective.all()
    np.testing.assert_array_equal(one.is_defective, two.is_defective)
    # Nearly tied with a calibration image, a score may change sides.
    step = 1.0 / (len(detectors[0].calibrator_.scores_) + 1)
    np.testing.assert_allclose(one.p_values, two.p_values, atol=step + 1e-6)
    for name in ("anomaly_scores", "frechet_scores", "reconstruction_errors"):
        # Of 45 training images in batches of another size: sums round
        # otherwise, up to float16 in the field. Distances are exponentials,
        # so what is far off is far apart.
        of_one, of_two = getattr(one, name), getattr(two, name)
        if name == "frechet_scores":
            of_one, of_two = np.log(of_one), np.log(of_two)
        np.testing.assert_allclose(
            of_one, of_two, rtol=4e-3, atol=4e-4, err_msg=name
        )
    np.testing.assert_allclose(one.anomaly_maps, two.anomaly_maps, rtol=1e-2)
    assert detectors[0].map_calibrator_.threshold_ == pytest.approx(
        detectors[1].map_calibrator_.threshold_, rel=1e-3
    )
