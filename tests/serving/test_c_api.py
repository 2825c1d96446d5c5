import numpy as np
import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.data import image_tensors
from ganad_tf.serving import c_api


def strings(data):
    return {"image_bytes": c_api.Tensor(c_api.STRING, [len(data)], data)}


def floats(tensor):
    return np.frombuffer(tensor.content, np.float32).reshape(tensor.shape)


@pytest.fixture(scope="module")
def found(exported):
    data = encoded(make_parts(3, seed=4))
    pixels = np.full([2, 32, 32, 1], 128, np.float32)
    gray = c_api.Tensor(c_api.FLOAT, [2, 32, 32, 1], pixels.tobytes())
    return c_api.run_requests(
        exported,
        [
            ("score", strings(data)),
            ("inspect", strings(data[:1])),
            ("images", {"images": gray}),
        ],
        num_threads=2,
    )


def test_no_package_is_imported(found):
    assert not {"tensorflow", "numpy", "keras"} & set(found["modules"])


def test_scores_are_the_detectors(found, parts_detector):
    pixels = image_tensors.to_uint8(make_parts(3, seed=4)).astype(np.float32)
    expected = parts_detector.detect(pixels / 127.5 - 1.0)
    scores = floats(found["answers"][0]["anomaly_score"])
    np.testing.assert_allclose(scores, expected.anomaly_scores, rtol=1e-4)


def test_strings_come_back(found):
    (png,) = found["answers"][1]["anomaly_map_png_bytes"].content
    assert png.startswith(b"\x89PNG") and png.endswith(b"IEND\xaeB`\x82")


def test_shapes_and_types_come_back(found):
    answer = found["answers"][2]
    assert answer["reconstruction"].shape == [2, 32, 32, 1]
    assert answer["is_defective"].dtype == c_api.BOOL
    assert len(answer["is_defective"].content) == 2
    scores = floats(answer["anomaly_score"])
    assert scores[0] == scores[1]


def test_the_runtime_stays_quiet(found):
    assert "meta_optimizer" not in found["log"], found["log"]
    assert 0 < found["first_answer_seconds"] < 60


def test_errors_are_the_runtimes_own(exported, tmp_path):
    with pytest.raises(RuntimeError, match="Unknown image file format"):
        c_api.run_requests(exported, [("score", strings([b"junk"]))])
    with pytest.raises(RuntimeError, match="no signature 'nothing'"):
        c_api.run_requests(exported, [("nothing", strings([b"junk"]))])
    with pytest.raises(RuntimeError, match="Could not find SavedModel"):
        c_api.run_requests(str(tmp_path), [])
