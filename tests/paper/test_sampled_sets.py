import numpy as np
import pytest

from ganad_tf.paper import sampled_sets
from ganad_tf.paper.sampled_sets import GENERATED
from ganad_tf.paper.sampled_sets import HELD_OUT
from ganad_tf.paper.sampled_sets import TRAINING
from ganad_tf.paper.sampled_sets import SampledSets


@pytest.fixture
def sets(assessor):
    return SampledSets(assessor)


def test_few_files_are_all_taken_and_many_evenly():
    assert sampled_sets.evenly_spaced([1, 2], 5) == [1, 2]
    assert sampled_sets.evenly_spaced(range(101), 3) == [0, 50, 100]


def test_sets_are_those_of_the_split(sets, assessor):
    for name, files in (
        (TRAINING, assessor.split.train),
        (HELD_OUT, assessor.split.test_qualified),
        ("scratch", assessor.split.test_defective),
    ):
        np.testing.assert_array_equal(
            sets.samples(name).images, assessor.load(files)
        )


def test_a_set_is_read_and_inverted_once(sets):
    assert sets.samples(HELD_OUT) is sets.samples(HELD_OUT)
    inversion = sets.inversion(HELD_OUT, by="detector")
    assert sets.inversion(HELD_OUT, by="detector") is inversion
    assert sets.inversion(HELD_OUT, by="paper") is not inversion


def test_the_paper_compares_latents_and_the_detector_its_descriptors(
    sets, assessor
):
    np.testing.assert_array_equal(
        sets.descriptors(HELD_OUT, by="paper"),
        sets.inversion(HELD_OUT, by="paper").latents,
    )
    images = assessor.load(assessor.split.test_qualified)
    np.testing.assert_allclose(
        sets.descriptors(HELD_OUT, by="detector"),
        assessor.detector.invert(images).descriptors,
        atol=1e-4,
    )
    generated = sets.descriptors(GENERATED, by="detector")
    assert len(generated) == sampled_sets.NUM_OF_SET
