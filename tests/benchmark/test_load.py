import json

import numpy as np
import pytest
import tensorflow as tf
from tool_runner import done

from ganad_tf.benchmark import load


def decodes(data):
    try:
        tf.io.decode_image(data)
    except tf.errors.InvalidArgumentError:
        return False
    return True


def test_every_tenth_image_is_corrupt():
    images = load.make_images(8, 16)
    assert len(images) == 60
    corrupt = [row for row in range(60) if row % 10 == 5]
    assert corrupt == [row for row in range(60) if not decodes(images[row])]


@pytest.mark.parametrize(
    "answer, expected, verdict",
    [
        ({"anomaly_score": 2.0}, {"anomaly_score": 2.00001}, load.RIGHT),
        ({"anomaly_score": 2.0}, {"anomaly_score": 2.1}, load.WRONG),
        ("a reason", "another reason", load.REFUSED),
        ("", "a reason", load.LOST),
        ("a reason", {"anomaly_score": 2.0}, load.LOST),
        ({"anomaly_score": 2.0}, "a reason", load.LOST),
        (OSError("gone"), {"anomaly_score": 2.0}, load.LOST),
    ],
)
def test_answers_are_judged(answer, expected, verdict):
    assert load.judge(answer, expected) == verdict


def test_samples_are_the_middles_of_equal_parts():
    assert load._evenly(2, 100) == {25, 75}
    assert load._evenly(0, 100) == set()


def test_answers_are_summarized():
    answers = [load.Answer(0.001 * n, load.RIGHT) for n in range(1, 101)]
    summary = load._summarize([*answers, load.Answer(0.2, load.LOST)], 2.0)
    assert summary["requests/s"] == 50.5
    assert summary["p50, ms"] == pytest.approx(51)
    assert summary["p99, ms"] == pytest.approx(100)
    assert summary[load.RIGHT] == 100 and summary[load.LOST] == 1
    assert np.isfinite(list(summary.values())).all()


def test_clients_at_once_lose_nothing(chain):
    answer = done(
        "benchmark_serving",
        saved_model=chain[2],
        num_requests=60,
        num_clients=4,
        seconds=2,
        num_swaps=1,
    )
    figures = json.loads(answer.stdout)
    assert len(figures) == 2
    for figure in figures.values():
        assert figure["right score"] == 54
        assert figure["refused with a reason"] == 6
        assert figure["wrong score"] == figure["lost"] == 0
        assert figure["requests/s"] < 60 / 1.9
        assert len(figure["server memory, MB"]) == 10
