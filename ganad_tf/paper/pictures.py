"""The pictures of the paper's reproduction, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganad_tf.colors import DEFECTIVE_COLOR
from ganad_tf.colors import MAP_COLORMAP
from ganad_tf.colors import MAP_UNIT
from ganad_tf.colors import QUALIFIED_COLOR
from ganad_tf.evaluation.canvas import displayable
from ganad_tf.evaluation.canvas import encode_png
from ganad_tf.evaluation.canvas import new_figure
from ganad_tf.paper.measures import SetDistance
from ganad_tf.paper.measures import Smoothness
from ganad_tf.score_parts import MAP_LIMIT
from ganad_tf.training.image_grids import image_grid


class Stretch:
    """Spreads the brightness of some images over the whole range.

    Args:
        images: Floats of any shape, in [-1, 1]; their darkest and brightest
            thousandth are clipped.
    """

    def __init__(self, images: np.ndarray):
        self.low, self.high = np.quantile(images, [0.001, 0.999])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        span = max(self.high - self.low, 1e-6)
        return np.clip(2.0 * (images - self.low) / span - 1.0, -1.0, 1.0)


def _show_grid(axis, images: np.ndarray, num_columns: int) -> None:
    axis.imshow(displayable(2.0 * image_grid(images, num_columns) - 1.0))
    axis.set(xticks=[], yticks=[])


def samples_png(real: np.ndarray, generated: np.ndarray) -> bytes:
    """Draws generated beside real images (Fig. 5).

    Args:
        real: Floats of shape (n, height, width, channels) in [-1, 1].
        generated: The same of generated images.

    Returns:
        png: Encoded picture.
    """
    figure = new_figure(10.0, 5.4)
    axes = figure.subplots(1, 2)
    stretch = Stretch(real)
    for axis, images, name in zip(
        axes, (real, generated), ("real", "generated"), strict=True
    ):
        _show_grid(axis, stretch(images), 8)
        axis.set_title(name, fontsize=10)
    return encode_png(figure)


def scatter_png(real: np.ndarray, generated: np.ndarray) -> bytes:
    """Draws a t-SNE: real blue circles, generated red crosses (Fig. 6).

    Args:
        real: Floats of shape (n, 2), places of real images.
        generated: Floats of shape (m, 2), places of generated images.

    Returns:
        png: Encoded picture.
    """
    figure = new_figure(6.4, 5.6)
    axis = figure.subplots()
    axis.plot(*real.T, "o", color="blue", mfc="none", ms=5, label="real")
    axis.plot(*generated.T, "x", color="red", ms=5, label="generated")
    axis.set(xticks=[], yticks=[])
    axis.set_xlabel("t-SNE of the pixels, no PCA before", fontsize=9)
    axis.legend(loc="best", fontsize=9)
    return encode_png(figure)


def interpolation_png(
    ends: np.ndarray,
    images: np.ndarray,
    scores: np.ndarray,
    smoothness: Smoothness,
    real_range: tuple[float, float],
) -> bytes:
    """Draws an interpolation and how smooth it is (Fig. 7 and 8).

    Args:
        ends: Floats of shape (2, height, width, channels) in [-1, 1], the
            images between which the path leads.
        images: Floats of shape (64, height, width, channels) in [-1, 1].
        scores: Floats of shape (64,), the discriminator's logits.
        smoothness: Their `Smoothness`.
        real_range: Logits that 90 % of held-out qualified images lie within.

    Returns:
        png: Encoded picture.
    """
    figure = new_figure(10.0, 6.6)
    left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1.0])
    upper, lower = right.subplots(2, 1, sharex=True)
    _draw_path(left, ends, images)
    upper.plot(np.arange(1, len(images)), smoothness.changes, color="black")
    upper.set_ylim(0.0, 1.25 * smoothness.changes.max() + 1e-9)
    upper.set_ylabel("change from the last image\n(RMS)", fontsize=8)
    lower.axhspan(
        *real_range,
        color=QUALIFIED_COLOR,
        alpha=0.2,
        lw=0,
        label="90 % of held-out qualified ones",
    )
    lower.plot(scores, color="black", label="along the path")
    lower.set_ylabel("discriminator's logit\n(high: looks real)", fontsize=8)
    lower.set_xlabel("image of the path", fontsize=8)
    lower.legend(fontsize=7, loc="best")
    for axis in (upper, lower):
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    return encode_png(figure)


def _draw_path(figure, ends: np.ndarray, images: np.ndarray) -> None:
    """Inputs at the top, the path from the one to the other below."""
    places = figure.subplot_mosaic(
        [["from", "to"], ["path", "path"]], height_ratios=[1.0, 5.0]
    )
    stretch = Stretch(np.concatenate([ends, images]))
    for name, image in zip(("from", "to"), ends, strict=True):
        _show_grid(places[name], stretch(image[None]), 1)
        places[name].set_title(f"{name} (input)", fontsize=8)
    _show_grid(places["path"], stretch(images), 8)
    places["path"].set_xlabel(
        "reading order: from the one to the other", fontsize=8
    )


class Reconstructed(NamedTuple):
    """One image of Fig. 9 and 10; pictures in [-1, 1]."""

    caption: str
    image: np.ndarray  # (height, width, channels), what is reconstructed
    by_paper: np.ndarray  # the same, by the paper's gradient descent
    by_detector: np.ndarray  # the same, by the detector at hand
    anomaly_map: np.ndarray  # (height, width)


def reconstructions_png(rows: Sequence[Reconstructed]) -> bytes:
    """Draws inputs, reconstructions and residual maps (Fig. 9 and 10).

    Args:
        rows: `Reconstructed`, at least one.

    Returns:
        png: Encoded picture.
    """
    names = [
        "input",
        "reconstruction\n(the paper's descent)",
        "residual\n(the paper's descent)",
        "reconstruction\n(this detector)",
        "anomaly map\n(this detector)",
    ]
    figure = new_figure(2.0 * len(names), 2.0 * len(rows) + 0.5)
    axes = figure.subplots(len(rows), len(names), squeeze=False)
    # The scale ends where hardly a pixel is beyond.
    limit = np.quantile([abs(r.image - r.by_paper) for r in rows], 0.995)
    for line, row in zip(axes, rows, strict=True):
        scales = _draw_reconstructed(line, row, float(limit))
    for axis, name in zip(axes[-1], names, strict=True):
        axis.set_xlabel(name, fontsize=8)
    for column, scale, unit in (
        (-3, scales[0], "absolute difference"),
        (-1, scales[1], MAP_UNIT),
    ):
        bar = figure.colorbar(
            scale, ax=axes[:, column], fraction=0.05, aspect=40, extend="max"
        )
        bar.set_label(unit, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return encode_png(figure)


def _draw_reconstructed(line, row: Reconstructed, limit: float):
    """One row; returns what the colour scales belong to."""
    for axis, picture in zip(
        line[[0, 1, 3]],
        (row.image, row.by_paper, row.by_detector),
        strict=True,
    ):
        axis.imshow(displayable(picture))
    title = line[0].set_title(row.caption, fontsize=8, loc="left")
    title.set_in_layout(False)  # it may reach over the next picture
    for axis in line:
        axis.set(xticks=[], yticks=[])
    residual = np.abs(row.image - row.by_paper).mean(axis=-1)
    return [
        axis.imshow(values, cmap=MAP_COLORMAP, vmin=0, vmax=end)
        for axis, values, end in (
            (line[-3], residual, limit),
            (line[-1], row.anomaly_map, MAP_LIMIT),
        )
    ]


def distances_png(rows: Sequence[SetDistance], factor: float) -> bytes:
    """Draws how many times as far as qualified images the sets lie.

    Args:
        rows: `SetDistance`s, at least one.
        factor: By which defect types should lie farther out.

    Returns:
        png: Encoded picture.
    """
    middle, low, high = np.array([row.ratio for row in rows]).T
    places = np.arange(len(rows))
    figure = new_figure(6.4, 0.32 * len(rows) + 1.0)
    axis = figure.subplots()
    axis.errorbar(
        middle, places, xerr=(middle - low, high - middle), fmt="o", ms=5
    )
    axis.set_yticks(
        places, [f"{row.name} ({row.num_images})" for row in rows], fontsize=9
    )
    axis.axvline(1.0, color="black", lw=1.0)
    axis.axvline(factor, color=DEFECTIVE_COLOR, lw=1.0, ls="--")
    axis.set(xscale="log", ylim=(len(rows) - 0.5, -0.5))
    axis.set_xlabel(
        "Fréchet distance over that of held-out qualified ones of equal\n"
        f"number (95 %); line: equal, dashes: {factor:g} times",
        fontsize=9,
    )
    axis.grid(alpha=0.3, axis="x")
    return encode_png(figure)
