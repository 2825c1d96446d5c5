import pickle

import numpy as np
import pytest

pytest.importorskip("apache_beam")

from ganad_tf.bulk.fit_pipeline import AddedSums
from ganad_tf.detector.conditional_field import ConditionalField
from ganad_tf.detector.latent_moments import LatentMoments
from ganad_tf.detector.residual_statistics import ResidualMoments
from ganad_tf.detector.training_sums import TrainingSums


def sums(seed, first_image):
    generator = np.random.default_rng(seed)
    latents = generator.normal(size=[6, 2])
    residuals = ResidualMoments()
    residuals.update(generator.normal(size=[6, 4, 4, 1]), 0.0)
    field = ConditionalField(latent_dim=2, first_image=first_image)
    field.update(generator.normal(size=[6, 2, 2, 3]), latents)
    return TrainingSums(
        residuals, LatentMoments(2).update(latents), {"fine": field}
    )


def values(total):
    return [
        total.residuals.count,
        total.residuals.squares,
        total.latents.sums,
        total.fields["fine"].num_images_,
        *total.fields["fine"]._sums,
    ]


def test_sums_are_added_and_what_a_shard_gave_stays_as_it_is():
    combine = AddedSums()
    parts = [sums(seed, 6 * seed) for seed in range(4)]
    before = pickle.dumps(parts)
    for _ in range(2):  # the second time as after a failure
        totals = [combine.create_accumulator() for _ in range(3)]
        for place, part in zip((0, 1, 1, 0), parts, strict=True):
            totals[place] = combine.add_input(totals[place], part)
        kept = pickle.dumps(totals)
        found = combine.extract_output(combine.merge_accumulators(totals))
        assert pickle.dumps(totals) == kept
        assert pickle.dumps(parts) == before
    assert found.residuals.count == found.latents.count == 24
    for row, value in enumerate(values(found)):
        expected = sum(values(part)[row] for part in parts)
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)


def test_the_order_of_shards_does_not_count():
    parts = [sums(seed, 6 * seed) for seed in range(5)]
    combine = AddedSums()
    found = []
    for order in ((0, 1, 2, 3, 4), (4, 2, 0, 3, 1)):
        total = combine.create_accumulator()
        for place in order:
            total = combine.add_input(total, parts[place])
        found.append([np.float32(value) for value in values(total)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_is_added_to_nothing():
    combine = AddedSums()
    assert combine.merge_accumulators([None, None]) is None
