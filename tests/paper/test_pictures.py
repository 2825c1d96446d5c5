import io

import numpy as np
from conftest import make_parts
from PIL import Image

from ganad_tf.paper import measures
from ganad_tf.paper import pictures

PARTS = make_parts(64, seed=0)


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_samples_are_shown_side_by_side():
    same = opened(pictures.samples_png(PARTS, PARTS))
    dark = opened(pictures.samples_png(PARTS, 0 * PARTS - 1))
    middle = same.shape[1] // 2
    np.testing.assert_array_equal(same[:, : middle - 9], dark[:, : middle - 9])
    assert same[:, middle:].mean() > dark[:, middle:].mean() + 30


def test_real_images_are_blue_and_generated_ones_red():
    real, generated = np.random.default_rng(0).normal(size=[2, 30, 2])
    pixels = opened(pictures.scatter_png(real, generated)).reshape(-1, 3)
    red, _, blue = pixels.T
    assert ((blue - red) > 150).any() and ((red - blue) > 150).any()


def test_an_interpolation_is_drawn_with_its_scores():
    scores = np.linspace(0.0, 1.0, 64)
    smoothness = measures.smoothness(PARTS, scores)
    drawn = [
        opened(
            pictures.interpolation_png(
                PARTS[:2], PARTS, s, smoothness, (0.2, 0.8)
            )
        )
        for s in (scores, -scores)
    ]
    assert (drawn[0] != drawn[1]).any()


def test_brightness_is_stretched_by_the_real_images():
    stretch = pictures.Stretch(np.linspace(-0.2, 0.0, 1001))
    shown = stretch(np.array([-1.0, -0.1, 0.5]))
    np.testing.assert_allclose(shown, [-1.0, 0.0, 1.0], atol=1e-9)


def test_each_reconstruction_is_a_row():
    def row(values):
        return pictures.Reconstructed("a", *PARTS[:3], values)

    flat, peak = np.zeros([32, 32]), np.full([32, 32], 15.0)
    one, two, other = (
        opened(pictures.reconstructions_png(rows))
        for rows in (
            [row(flat)],
            [row(flat), row(flat)],
            [row(peak)],
        )
    )
    assert len(two) > 1.5 * len(one)
    assert (one != other).any()


def test_sets_are_drawn_by_how_far_they_lie():
    def row(ratio):
        ends = (ratio, 0.8 * ratio, 1.3 * ratio)
        return measures.SetDistance("crack", 9, ends, ends, ends, 0.9)

    one, other, two = (
        opened(pictures.distances_png([row(r) for r in ratios], 5.0))
        for ratios in ([2.0], [50.0], [2.0, 50.0])
    )
    assert len(two) > len(one)
    assert one.shape == other.shape and (one != other).any()
