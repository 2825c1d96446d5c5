from matplotlib import colormaps
from matplotlib.colors import is_color_like

from ganad_tf import colors
from ganad_tf.score_parts import SCORE_PARTS


def test_colors_are_known_to_matplotlib_and_differ():
    chosen = (
        colors.QUALIFIED_COLOR,
        colors.DEFECTIVE_COLOR,
        colors.CONTOUR_COLOR,
    )
    assert all(is_color_like(color) for color in chosen)
    assert len(set(chosen)) == len(chosen)


def test_scales_are_known_to_matplotlib():
    assert {colors.MAP_COLORMAP, colors.BASELINE_COLORMAP} <= set(colormaps)
    parts = {part.color for part in SCORE_PARTS}
    assert not parts & set(colormaps[colors.BASELINE_COLORMAP].colors)
