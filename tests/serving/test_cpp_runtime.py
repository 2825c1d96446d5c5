import numpy as np
import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.data import image_tensors
from ganad_tf.score_parts import UNJUDGED_SCORE
from ganad_tf.serving import cpp_runtime
from ganad_tf.serving.saved_model import ModelError


def strings(data):
    return {"image_bytes": np.array(data, object)}


def impossible_pixels():
    """Four images like those of the third request, but for one pixel each."""
    pixels = np.full([4, 32, 32, 1], 128, np.float32)
    pixels[:3, 5, 6, 0] = np.nan, np.inf, 1e30
    return pixels


@pytest.fixture(scope="module")
def answers(exported):
    data = encoded(make_parts(3, seed=4))
    return cpp_runtime.run_requests(
        exported,
        [
            ("score", strings(data)),
            ("inspect", strings(data[:1])),
            ("images", {"images": np.full([2, 32, 32, 1], 128, np.float32)}),
            ("images", {"images": impossible_pixels()}),
        ],
        num_threads=2,
    )


def test_no_package_is_imported(answers):
    assert not {"tensorflow", "numpy", "keras"} & set(answers.modules)


def test_scores_are_the_detectors(answers, parts_detector):
    pixels = image_tensors.to_uint8(make_parts(3, seed=4)).astype(np.float32)
    expected = parts_detector.detect(pixels / 127.5 - 1.0)
    np.testing.assert_allclose(
        answers.outputs[0]["anomaly_score"], expected.anomaly_scores, rtol=1e-4
    )


def test_strings_come_back(answers):
    (png,) = answers.outputs[1]["anomaly_map_png_bytes"]
    assert png.startswith(b"\x89PNG") and png.endswith(b"IEND\xaeB`\x82")


def test_shapes_and_types_come_back(answers):
    outputs = answers.outputs[2]
    assert outputs["reconstruction"].shape == (2, 32, 32, 1)
    assert outputs["reconstruction"].dtype == np.float32
    assert outputs["is_defective"].dtype == np.bool_
    assert outputs["is_defective"].shape == (2,)
    scores = outputs["anomaly_score"]
    assert scores[0] == scores[1]


def test_impossible_pixels_are_defects_here_too(answers):
    given, expected = answers.outputs[3], answers.outputs[2]
    np.testing.assert_array_equal(given["is_defective"][:3], True)
    np.testing.assert_allclose(given["p_value"][:3], 1 / 25, rtol=1e-6)
    np.testing.assert_array_equal(given["anomaly_score"][:3], UNJUDGED_SCORE)
    for name, values in given.items():
        assert np.isfinite(values).all()
        np.testing.assert_allclose(
            values[3].astype(float), expected[name][0].astype(float), 1e-4, 1e-3
        )


def test_the_runtime_stays_quiet(answers):
    assert "meta_optimizer" not in answers.log, answers.log
    assert 0 < answers.first_answer_seconds < 60


def test_errors_are_the_runtimes_own(exported):
    with pytest.raises(ModelError, match="Unknown image file format"):
        cpp_runtime.run_requests(exported, [("score", strings([b"junk"]))])


def test_a_signature_that_is_not_there_is_an_error(exported):
    with pytest.raises(ModelError, match="no signature 'nothing'"):
        cpp_runtime.run_requests(exported, [("nothing", {})])
