"""The paper's figures, drawn from data at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganad_tf import report
from ganad_tf.monitoring import image_grid
from ganad_tf.paper_measures import Smoothness


def _show_grid(axis, images: np.ndarray, num_columns: int) -> None:
    axis.imshow(report.displayable(2.0 * image_grid(images, num_columns) - 1.0))
    axis.set(xticks=[], yticks=[])


def samples_png(real: np.ndarray, generated: np.ndarray) -> bytes:
    """Draws generated beside real images (Fig. 5).

    Args:
        real: Floats of shape (n, height, width, channels) in [-1, 1].
        generated: The same of generated images.

    Returns:
        png: Encoded picture.
    """
    figure = report.new_figure(10.0, 5.4)
    axes = figure.subplots(1, 2)
    for axis, images, name in zip(
        axes, (real, generated), ("real", "generated"), strict=True
    ):
        _show_grid(axis, images, 8)
        axis.set_title(name, fontsize=10)
    return report.encode_png(figure)


def scatter_png(real: np.ndarray, generated: np.ndarray) -> bytes:
    """Draws a t-SNE: real blue circles, generated red crosses (Fig. 6).

    Args:
        real: Floats of shape (n, 2), places of real images.
        generated: Floats of shape (m, 2), places of generated images.

    Returns:
        png: Encoded picture.
    """
    figure = report.new_figure(6.4, 5.6)
    axis = figure.subplots()
    axis.plot(*real.T, "o", color="blue", mfc="none", ms=5, label="real")
    axis.plot(*generated.T, "x", color="red", ms=5, label="generated")
    axis.set(xticks=[], yticks=[])
    axis.set_xlabel("t-SNE of the pixels, no PCA before", fontsize=9)
    axis.legend(loc="best", fontsize=9)
    return report.encode_png(figure)


def interpolation_png(
    images: np.ndarray,
    scores: np.ndarray,
    found: Smoothness,
    real_range: tuple[float, float],
) -> bytes:
    """Draws an interpolation and how smooth it is (Fig. 7 and 8).

    Args:
        images: Floats of shape (64, height, width, channels) in [-1, 1].
        scores: Floats of shape (64,), the discriminator's logits.
        found: Their `Smoothness`.
        real_range: Logits that 90 % of held-out qualified images lie within.

    Returns:
        png: Encoded picture.
    """
    figure = report.new_figure(10.0, 5.6)
    left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1.0])
    _show_grid(left.subplots(), images, 8)
    left.supxlabel("reading order: from one image to the other", fontsize=9)
    upper, lower = right.subplots(2, 1, sharex=True)
    upper.plot(np.arange(1, len(images)), found.changes, color="black")
    upper.set_ylim(0.0, 1.25 * found.changes.max() + 1e-9)
    upper.set_ylabel("change from the last image\n(RMS)", fontsize=8)
    lower.axhspan(
        *real_range,
        color=report.QUALIFIED_COLOR,
        alpha=0.2,
        lw=0,
        label="90 % of held-out qualified images",
    )
    lower.plot(scores, color="black", label="along the path")
    lower.set_ylabel("discriminator's logit\n(high: looks real)", fontsize=8)
    lower.set_xlabel("image of the path", fontsize=8)
    lower.legend(fontsize=7, loc="best")
    for axis in (upper, lower):
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    return report.encode_png(figure)


class Reconstructed(NamedTuple):
    """One image of Fig. 9 and 10; pictures in [-1, 1]."""

    caption: str
    image: np.ndarray  # (height, width, channels)
    by_paper: np.ndarray  # the same, by the paper's gradient descent
    by_detector: np.ndarray  # the same, by the detector at hand
    anomaly_map: np.ndarray  # (height, width), the detector's


def reconstructions_png(
    rows: Sequence[Reconstructed], residual_limit: float
) -> bytes:
    """Draws inputs, reconstructions and residual maps (Fig. 9 and 10).

    Args:
        rows: `Reconstructed`, at least one.
        residual_limit: Where the colour scale of the residuals ends.

    Returns:
        png: Encoded picture.
    """
    figure = report.new_figure(10.0, 2.0 * len(rows) + 0.5)
    axes = figure.subplots(len(rows), 5, squeeze=False)
    for line, row in zip(axes, rows, strict=True):
        residual = np.abs(row.image - row.by_paper).mean(axis=-1)
        for axis, picture in zip(
            line[[0, 1, 3]],
            (row.image, row.by_paper, row.by_detector),
            strict=True,
        ):
            axis.imshow(report.displayable(picture))
        shown = (
            line[2].imshow(
                residual, cmap="inferno", vmin=0, vmax=residual_limit
            ),
            line[4].imshow(
                row.anomaly_map, cmap="inferno", vmin=0, vmax=report.MAP_LIMIT
            ),
        )
        title = line[0].set_title(row.caption, fontsize=8, loc="left")
        title.set_in_layout(False)  # it may reach over the next picture
        for axis in line:
            axis.set(xticks=[], yticks=[])
    names = (
        "input",
        "reconstruction\n(the paper's descent)",
        "residual\n(the paper's descent)",
        "reconstruction\n(this detector)",
        "anomaly map\n(this detector)",
    )
    for axis, name in zip(axes[-1], names, strict=True):
        axis.set_xlabel(name, fontsize=8)
    for column, scale, unit in (
        (2, shown[0], "absolute difference"),
        (4, shown[1], report.MAP_UNIT),
    ):
        bar = figure.colorbar(
            scale, ax=axes[:, column], fraction=0.05, aspect=40
        )
        bar.set_label(unit, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return report.encode_png(figure)
