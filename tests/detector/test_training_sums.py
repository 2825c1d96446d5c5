import pickle

import numpy as np
import pytest
from conftest import fitted_detector
from conftest import make_parts

from ganad_tf.detector import fitting
from ganad_tf.detector import storage


@pytest.mark.parametrize("method", ["joint", "paper"])
def test_sums_of_parts_give_the_detector_of_the_whole(method):
    detector = fitted_detector(method=method)
    parts = make_parts(48, seed=1)
    expected = statistics(detector, fitting.accumulate(detector, [parts]))
    merged = None
    for first, end in ((30, 48), (0, 17), (17, 30)):
        made = fitting.accumulate(
            detector, [parts[first:end]], first_image=first
        )
        # As it comes from a worker.
        part = pickle.loads(pickle.dumps(made))
        merged = part if merged is None else merged.merge(part)
    found = statistics(detector, merged)
    assert found.keys() == expected.keys() and len(found) > 4
    for name, value in expected.items():
        # Batches of another size round otherwise, up to float16 in the field.
        np.testing.assert_allclose(
            found[name], value, rtol=5e-3, atol=2e-3, err_msg=name
        )


def statistics(detector, sums):
    """What `finish` makes of sums, by name."""
    fitting.finish(detector, sums)
    return {
        name: np.asarray(value, np.float64)
        for name, value in storage.statistics_of(detector).items()
        if name.startswith(("latent", "residual", "field"))
    }
