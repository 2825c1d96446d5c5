from matplotlib.colors import is_color_like

from ganad_tf.detector.detection import Detection
from ganad_tf.score_parts import SCORE_PARTS


def test_parts_are_fields_of_a_detection():
    assert {part.field for part in SCORE_PARTS} <= set(Detection._fields)


def test_names_words_and_colors_tell_parts_apart():
    for column in zip(*SCORE_PARTS, strict=True):
        assert len(set(column)) == len(SCORE_PARTS)
    assert all(is_color_like(part.color) for part in SCORE_PARTS)
