import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from ganad_tf.colors import DEFECTIVE_COLOR
from ganad_tf.colors import QUALIFIED_COLOR
from ganad_tf.evaluation import figures
from ganad_tf.score_parts import SCORE_PARTS

LABELS = np.repeat([0, 1], [20, 10])
SCORES = np.concatenate([np.linspace(-1, 2, 20), np.linspace(0, 9, 10)])


def has_color(png, color, tolerance=2):
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    wanted = np.round(255 * np.array(to_rgb(color)))
    return (np.abs(pixels - wanted).max(axis=2) <= tolerance).any()


@pytest.mark.parametrize(
    "draw", [figures.roc_png, figures.precision_recall_png]
)
def test_curves_have_the_colors_of_the_parts(draw):
    for part in SCORE_PARTS:
        one = draw(LABELS, {part.name: SCORES})
        assert has_color(one, part.color)
    assert not has_color(draw(LABELS, {"gmm": SCORES}), SCORE_PARTS[0].color)


def test_more_baselines_than_colors_can_be_drawn():
    assert figures.roc_png(LABELS, {f"b{n}": SCORES for n in range(12)})


def test_the_histogram_shows_both_labels():
    png = figures.histogram_png(LABELS, SCORES, 1.5)
    qualified, defective = (
        0.6 * np.array(to_rgb(color)) + 0.4
        for color in (QUALIFIED_COLOR, DEFECTIVE_COLOR)
    )
    assert has_color(png, qualified) and has_color(png, defective)
