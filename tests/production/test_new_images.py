import numpy as np
from conftest import make_parts

from ganad_tf.production import new_images


def test_new_images_are_judged_as_the_detector_judges_them(parts_detector):
    parts = make_parts(30, seed=5)
    expected = parts_detector.detect_batches([parts])
    measured = new_images.measure(parts_detector, [parts[:20], parts[20:]])
    np.testing.assert_allclose(
        measured.anomaly_scores, expected.anomaly_scores, rtol=1e-5
    )
    np.testing.assert_allclose(
        measured.part_scores, expected.part_scores, atol=1e-4
    )
    np.testing.assert_array_equal(measured.is_defective, expected.is_defective)
    np.testing.assert_allclose(
        measured.residuals, parts - expected.reconstructions, atol=1e-5
    )
