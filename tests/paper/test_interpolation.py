import numpy as np

from ganad_tf.paper.interpolation import Interpolator
from ganad_tf.paper.samples import Sampler


def test_the_interpolation_joins_the_two_inverted_images(assessor):
    sampler, files = Sampler(assessor), assessor.split.test_qualified
    interpolator = Interpolator(sampler, files)
    section = interpolator.section(7, "qualified", files)
    assert section.numbers["path_length_over_distance"] >= 1 - 1e-6
    assert section.name == "figure_7" and section.png
    pair = [f for f in files if f.name in section.numbers["images"]]
    pair = sampler.load(pair)
    path = interpolator.path(pair)
    ends = sampler.invert(pair, "the", by="optimised")
    np.testing.assert_allclose(path[[0, -1]], ends.reconstructions, atol=1e-4)
    assert len(path) == 64
