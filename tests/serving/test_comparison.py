import io

import numpy as np
import pytest
from PIL import Image

from ganad_tf.serving import comparison as comparisons


def outputs(scores, p_values):
    p_values = np.array(p_values)
    return {
        "anomaly_score": np.array(scores),
        "p_value": p_values,
        "is_defective": p_values <= 0.1,
    }


RIGHT = outputs([1.0, 2.0], [0.5, 0.1])


def passes(received, expected=RIGHT):
    comparison = comparisons.Comparison(0.1)
    comparison.compare("scores", received, expected)
    return comparison.checks["scores"]["passed"]


def test_a_row_that_differs_fails():
    assert passes(outputs([1.00001, 2.0], [0.5, 0.1]))
    assert not passes(outputs([1.001, 2.0], [0.5, 0.1]))
    assert not passes(outputs([2.0, 1.0], [0.5, 0.1]))
    assert not passes({})
    assert not passes(outputs([np.nan, 2.0], [0.5, 0.1]))


def test_a_tie_may_move_a_p_value_by_one_step():
    assert passes(outputs([1.0, 2.0], [0.5, 0.2]))
    assert not passes(outputs([1.0, 2.0], [0.5, 0.3]))


@pytest.mark.parametrize("step, same", [(0, True), (1, True), (2, False)])
def test_rounding_may_move_a_pixel_by_one_step(step, same):
    def png(value):
        buffer = io.BytesIO()
        Image.new("L", (4, 4), value).save(buffer, "PNG")
        return {**RIGHT, "png": np.array([buffer.getvalue()] * 2, object)}

    assert passes(png(100 + step), png(100)) is same


def test_failures_are_told():
    comparison = comparisons.Comparison(0.1)
    comparison.compare("threads", outputs([1.5, 2.0], [0.5, 0.1]), RIGHT)
    comparison.compare("batch", RIGHT, RIGHT)
    comparison.compare("nothing", {}, RIGHT)
    comparison.record("empty", {"p_value": 1}, passed=False)
    assert comparisons.failures(comparison.checks) == [
        "threads: anomaly_score differs by 0.5",
        "nothing: no output in common",
        "empty: {'p_value': 1}",
    ]
