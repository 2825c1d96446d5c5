import functools

import numpy as np
import pytest
import replica_program
import tensorflow as tf

from ganad_tf import replicas
from ganad_tf.evaluation import metrics

# One program trains on one, two and four devices.
results = functools.cache(replica_program.results)


def test_with_one_replica_rows_are_the_batch():
    rows = tf.constant([[1.0], [3.0]])
    assert replicas.count() == 1
    assert replicas.whole_batch(rows) is rows
    assert replicas.own_rows(rows) is rows
    assert replicas.summed([rows])[0] is rows
    assert replicas.as_logs({"loss": rows})["loss"] is rows
    assert replicas.distributed(lambda share: share) == replicas.Share(0, 1, 1)


def test_moments_are_those_of_each_channel():
    values = np.random.default_rng(0).normal(size=[4, 3, 2]).astype("float32")
    mean, variance = replicas.moments(tf.constant(values))
    np.testing.assert_allclose(mean, values.mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(variance, values.var((0, 1)), rtol=1e-5)


@pytest.mark.parametrize("model", replica_program.SIZES)
def test_several_devices_train_as_one(model):
    one, *others = results()[model].values()
    assert others
    for several in others:
        assert several["logs"].keys() == one["logs"].keys()
        for name, curve in one["logs"].items():
            np.testing.assert_allclose(
                several["logs"][name],
                curve,
                rtol=1e-4,
                atol=1e-5,
                err_msg=name,
            )
        np.testing.assert_allclose(
            several["weights"], one["weights"], rtol=1e-4, atol=1e-5
        )


def test_what_two_devices_trained_judges_as_what_one_trained():
    one, two = (results()["gan"][size]["scores"] for size in (1, 2))
    np.testing.assert_allclose(one, two, rtol=1e-3)
    is_scratched = np.repeat([0, 1], len(one) // 2)
    aurocs = [metrics.auroc(is_scratched, scores) for scores in (one, two)]
    assert aurocs[0] == aurocs[1] > 0.6
