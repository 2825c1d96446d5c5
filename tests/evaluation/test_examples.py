import numpy as np

from ganad_tf.evaluation.examples import select_examples

LABELS = np.repeat([0, 1], [20, 10])
SCORES = np.concatenate([np.linspace(-1, 2, 20), np.linspace(0, 9, 10)])


def test_panels_are_the_cases_their_heading_names():
    chosen = select_examples(LABELS, SCORES, threshold=1.5, num_each=3)
    missed, stopped, close, detected, passed = chosen.values()
    assert missed == [20, 21]  # defective below 1.5, lowest first
    assert stopped == [19, 18, 17]
    assert detected == [29, 28, 27]
    assert all(LABELS[row] == 0 and SCORES[row] < 1.5 for row in passed)
    distances = np.abs(SCORES - 1.5)
    assert sorted(distances[close]) == sorted(distances)[:3]


def test_headings_without_images_are_omitted():
    chosen = select_examples(np.zeros(3, int), np.arange(3.0), threshold=9.0)
    assert len(chosen) == 2
