"""The tool, in processes of this machine."""

import pytest
from equal_detectors import assert_equal_detectors
from equal_detectors import copied
from tool_runner import done

pytest.importorskip("apache_beam")


def test_two_workers_give_the_detector_of_one(chain, product, tmp_path):
    model = copied(chain[0], tmp_path / "model")
    answer = done(
        "fit_detector_beam",
        data=product,
        model_dir=model,
        alpha=0.1,
        direct_num_workers=2,
    )
    assert "45 training images in 15 shards" in answer.stderr
    assert "15 calibration images in 15 shards" in answer.stderr
    assert "evaluate_detector.py" in answer.stdout  # the next command
    assert_equal_detectors(chain[0], model)
