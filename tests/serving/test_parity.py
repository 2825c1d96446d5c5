import json
import os
import shutil

import numpy as np
import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.serving import parity
from ganad_tf.serving import warmup


@pytest.fixture(scope="module")
def report(exported, parts_detector):
    data = encoded(make_parts(5, seed=6))
    return parity.check_saved_model(exported, data, detector=parts_detector)


def test_every_way_gives_the_same_numbers(report):
    assert report["passed"] and parity.failures(report) == []
    assert report["num_images"] == 5
    for name in (
        "Python detector",
        "saved_model_cli run, score",
        "an image alone",
        "a permuted batch",
        "a batch of 64",
        "8 threads",
        "empty inspect batch",
        "warmup images request",
    ):
        assert report["checks"][name]["passed"]
    json.dumps(report, allow_nan=False)


def test_noise_has_the_models_size():
    found = parity.noise_images((32, 48, 3))
    assert len(set(found)) == parity.NUM_NOISE_IMAGES
    assert all(png.startswith(b"\x89PNG") for png in found)


def outputs(scores, p_values):
    p_values = np.array(p_values)
    return {
        "anomaly_score": np.array(scores),
        "p_value": p_values,
        "is_defective": p_values <= 0.1,
    }


def compared(found, expected):
    compare = parity._Comparison(0.1)
    compare("scores", found, expected)
    return compare.results["scores"]["passed"]


def test_a_row_that_differs_fails():
    right = outputs([1.0, 2.0], [0.5, 0.1])
    assert compared(outputs([1.00001, 2.0], [0.5, 0.1]), right)
    assert not compared(outputs([1.001, 2.0], [0.5, 0.1]), right)
    assert not compared(outputs([2.0, 1.0], [0.5, 0.1]), right)
    assert not compared({}, right)
    assert not compared(outputs([np.nan, 2.0], [0.5, 0.1]), right)


def test_a_tie_may_move_a_p_value_by_one_step():
    right = outputs([1.0, 2.0], [0.5, 0.1])
    assert compared(outputs([1.0, 2.0], [0.5, 0.2]), right)
    assert not compared(outputs([1.0, 2.0], [0.5, 0.3]), right)


def test_a_model_that_a_server_could_not_warm_up_fails(exported, tmp_path):
    path = str(tmp_path / "1")
    shutil.copytree(exported, path)
    name = os.path.join(path, warmup.WARMUP_NAME)
    warmup.write_warmup_requests(name, model_name="parts", size=[16, 16, 1])
    with pytest.raises(
        RuntimeError, match="does not run in the C\\+\\+ runtime"
    ):
        parity.check_saved_model(path, parity.noise_images((32, 32, 1)))
