import numpy as np
import pytest
from conftest import make_parts

from ganad_tf.paper.samples import Sampler


@pytest.fixture(scope="module")
def sampler(assessor):
    return Sampler(assessor)


@pytest.fixture(scope="module")
def files(assessor):
    return assessor.split.test_qualified


def test_samples_are_images_with_their_descriptors(sampler, files):
    images, descriptors = sampler.samples(files)
    np.testing.assert_array_equal(images, sampler.load(files))
    np.testing.assert_allclose(
        descriptors, sampler.detector.invert(images).descriptors, atol=1e-4
    )
    of_one = sampler.samples(files[2:3])
    np.testing.assert_allclose(of_one.descriptors[0], descriptors[2], atol=1e-4)


def test_images_have_the_networks_size(sampler, files):
    assert sampler.size == 32
    assert sampler.load(files).shape == (len(files), 32, 32, 1)
    assert sampler.generated(3).shape == (3, 32, 32, 1)


def test_more_steps_of_descent_reconstruct_better(sampler):
    images = make_parts(5, seed=3)
    losses = {
        by: sampler.invert(images, "the", by=by).losses.mean()
        for by in ("paper", "detector", "optimised")
    }
    assert losses["optimised"] < losses["detector"]
