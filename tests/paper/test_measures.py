import numpy as np
import pytest

from ganad_tf.detector.latent_statistics import LatentGaussian
from ganad_tf.paper import measures

GENERATOR = np.random.default_rng(0)


def test_equal_sets_cannot_be_told_apart_and_copies_are_below_chance():
    real, other = GENERATOR.normal(size=[2, 200, 3])
    accuracies = measures.nearest_neighbour_accuracy(real, other)
    np.testing.assert_allclose(accuracies, 0.5, atol=0.1)
    copies = real + 1e-6
    assert max(measures.nearest_neighbour_accuracy(real, copies)) < 0.05


def test_a_set_in_the_midst_of_the_other_is_not_taken_for_it():
    real, other = GENERATOR.normal(size=[2, 200, 50])
    shares = measures.nearest_neighbour_accuracy(real, 0.3 * other)
    assert shares[0] < 0.1 and shares[1] > 0.9


def test_a_bend_is_a_detour_and_a_jump_a_large_step():
    corner = np.array([[0, 0], [1, 0], [1, 1.0]]).reshape(3, 1, 2, 1)
    measured = measures.smoothness(corner, np.zeros(3))
    assert measured.detour == pytest.approx(np.sqrt(2.0))
    jump = np.array([0.0, 1.0, 2.0, 12.0]).reshape(4, 1, 1, 1)
    measured = measures.smoothness(jump, np.array([1.0, 2.0, 5.0, 1.5]))
    assert measured.largest_step == pytest.approx(2.5)
    assert measured.dip == 0.0


def test_the_farthest_pair_is_that_of_all_pairs():
    points = GENERATOR.normal(size=[12, 4])
    best = max(
        ((i, j) for i in range(12) for j in range(i + 1, 12)),
        key=lambda pair: np.linalg.norm(points[pair[0]] - points[pair[1]]),
    )
    assert measures.farthest_pair(points) == best


def test_sets_are_compared_in_equal_numbers():
    reference = LatentGaussian().fit(GENERATOR.normal(size=[400, 3]))
    qualified = GENERATOR.normal(size=[150, 3])
    like, shifted = (
        measures.set_distance(
            "set",
            reference,
            GENERATOR.normal(size=[40, 3]) + shift,
            qualified,
            seed=0,
        )
        for shift in (0.0, 4.0)
    )
    assert like.num_images == shifted.num_images == 40
    assert like.ratio[1] < 1.0 < like.ratio[2]
    assert shifted.ratio[1] > 20 and shifted.auroc > 0.95
    assert shifted.distance[0] == pytest.approx(48.0, rel=0.2)  # 3 * 4^2
    assert shifted.distance[1] < shifted.distance[0] < shifted.distance[2]
