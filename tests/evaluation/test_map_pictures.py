import io

import numpy as np
from conftest import make_parts
from PIL import Image

from ganad_tf.evaluation import map_pictures


def panel(caption="a"):
    image = make_parts(1, seed=0)[0]
    return map_pictures.Panel(caption, image, image, np.ones([32, 32]))


def pixels_of(*panels):
    return np.asarray(Image.open(io.BytesIO(map_pictures.panels_png(panels))))


def test_pictures_have_a_row_each_panel():
    heights = [
        Image.open(
            io.BytesIO(map_pictures.panels_png([panel()] * count))
        ).height
        for count in (1, 3)
    ]
    assert heights[1] == 3 * heights[0]


def test_any_name_can_be_a_caption():
    shown = [pixels_of(panel(name)) for name in ("$x_^$", "e\udcff\n\t", "a")]
    assert not np.array_equal(shown[0], shown[2])  # as it is, no formula


def test_a_contour_is_drawn_where_the_map_passes_its_threshold():
    flat = panel(caption="a")
    peak = np.zeros([32, 32])
    peak[10:20, 10:20] = 9.0
    contour = np.array([0x00, 0xE5, 0xFF])
    counts = [
        (np.abs(pixels_of(shown)[..., :3] - contour).sum(axis=2) == 0).sum()
        for shown in (
            flat,
            flat._replace(map_threshold=5.0),  # the mark on the scale alone
            flat._replace(anomaly_map=peak, map_threshold=5.0),
        )
    ]
    assert counts[0] == 0 < counts[1] < counts[2]


def test_an_overlay_has_a_contour_where_the_map_is_high():
    image, flat = np.zeros([300, 300, 1]), np.zeros([300, 300])
    peak = flat.copy()
    peak[90:150, 90:150] = 9.0
    counts = []
    for anomaly_map in (flat, peak):
        png = map_pictures.overlay_png(image, anomaly_map, map_threshold=5.0)
        picture = Image.open(io.BytesIO(png))
        assert picture.height <= 128 and picture.width > 2.5 * picture.height
        pixels = np.asarray(picture)
        counts.append((pixels == (0, 229, 255)).all(axis=-1).sum())
    assert counts[0] == 0 < counts[1] < 200
