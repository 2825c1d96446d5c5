import tracemalloc

import numpy as np
from sklearn.decomposition import PCA

from ganad_tf.gan.principal_components import principal_components


def draw(count=300, dim=64, seed=0):
    generator = np.random.default_rng(seed)
    scales = np.geomspace(3.0, 0.01, dim)
    basis, _ = np.linalg.qr(generator.normal(size=[dim, dim]))
    rows = generator.normal(size=[count, dim]) * scales
    return np.float32(rows @ basis.T + generator.normal(size=dim))


def test_components_are_those_of_the_decomposition():
    rows = draw()
    expected = PCA(12, svd_solver="full").fit(rows)
    found = principal_components(np.array_split(rows, 7), 12, seed=0)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(
        found.variances, expected.explained_variance_, rtol=1e-4
    )
    cosines = np.abs(np.sum(found.directions.T * expected.components_, axis=1))
    np.testing.assert_allclose(cosines, 1.0, atol=1e-3)


def test_the_batches_do_not_matter_and_the_seed_decides():
    rows = draw()
    alone, again = (principal_components([rows], 5, seed=0) for _ in range(2))
    split = principal_components(np.array_split(rows, 9), 5, seed=0)
    for a, b, c in zip(alone, again, split, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, atol=1e-4)


def test_few_rows_have_few_directions():
    rows = draw(count=6)
    found = principal_components([rows], 40, seed=0)
    assert found.directions.shape == (64, 5) and len(found.variances) == 5
    np.testing.assert_allclose(
        found.directions.T @ found.directions, np.eye(5), atol=1e-6
    )
    projected = (rows - found.mean) @ found.directions
    np.testing.assert_allclose(
        projected @ found.directions.T + found.mean, rows, atol=1e-4
    )


def test_rows_that_are_all_alike_have_no_variance():
    found = principal_components([np.ones([9, 8], np.float32)], 3, seed=0)
    np.testing.assert_allclose(found.variances, 0.0, atol=1e-6)
    assert np.isfinite(found.directions).all()


class Drawn:
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return (draw(50, 256, seed) for seed in range(self.count))


def test_memory_does_not_grow_with_the_rows():
    peaks = []
    for count in (2, 40):
        tracemalloc.start()
        principal_components(Drawn(count), 8, seed=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
