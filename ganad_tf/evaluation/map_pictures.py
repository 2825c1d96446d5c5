"""Pictures of an anomaly map: beside its image, and as a contour on it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import SubFigure
from PIL import Image
from scipy import ndimage

from ganad_tf.colors import CONTOUR_COLOR
from ganad_tf.colors import MAP_COLORMAP
from ganad_tf.colors import MAP_UNIT
from ganad_tf.data.dataset import ImageFile
from ganad_tf.evaluation.canvas import displayable
from ganad_tf.evaluation.canvas import encode_png
from ganad_tf.evaluation.canvas import new_figure
from ganad_tf.evaluation.formatting import printable
from ganad_tf.score_parts import MAP_LIMIT

# Largest height in pixels of an overlay.
OVERLAY_SIZE = 128


class Panel(NamedTuple):
    """One image in a row of pictures."""

    caption: str  # file name, verdict, score and p-value
    image: np.ndarray  # (height, width, channels) in [-1, 1]
    reconstruction: np.ndarray  # (height, width, channels) in [-1, 1]
    anomaly_map: np.ndarray  # (height, width), 1 is rare
    map_threshold: float | None = None  # level of the contour, None for none


def caption(
    name: str, *, is_defective: bool, anomaly_score: float, p_value: float
) -> str:
    """The line above the pictures of an image.

    Example:
    >>> caption("a.png", is_defective=True, anomaly_score=2.5, p_value=0.01)
    'a.png: DEFECTIVE, score 2.50, p = 0.010'
    """
    verdict = "DEFECTIVE" if is_defective else "qualified"
    return f"{name}: {verdict}, score {anomaly_score:.2f}, p = {p_value:.3f}"


def caption_of(file: ImageFile, detection: Any, row: int) -> str:
    """The caption of one test image.

    Args:
        file: `ImageFile`.
        detection: `Detection` of arrays, with its verdict.
        row: Of the file in `detection`.
    """
    return caption(
        f"{file.name} ({file.defect_type})",
        is_defective=detection.is_defective[row],
        anomaly_score=detection.anomaly_scores[row],
        p_value=detection.p_values[row],
    )


def panels_png(panels: Sequence[Panel], **text: str) -> bytes:
    """Draws a row of four pictures for each panel.

    Input, reconstruction, anomaly map with its colour scale, and the input
    with a contour around the regions above the map's threshold.

    Args:
        panels: `Panel`s, at least one, all of one shape.
        **text: Entries of text in the file, in Latin letters.

    Returns:
        png: Encoded picture.
    """
    height, width = panels[0].image.shape[:2]
    row_height = min(max(2.0 * height / width, 0.9), 4.0) + 0.55
    figure = new_figure(8.8, row_height * len(panels))
    rows = figure.subfigures(len(panels), 1, squeeze=False)[:, 0]
    for row, panel in zip(rows, panels, strict=True):
        _draw_panel(row, panel)
    return encode_png(figure, **text)


def _draw_panel(row: SubFigure, panel: Panel) -> None:
    row.suptitle(
        printable(panel.caption),
        fontsize=9,
        x=0.01,
        ha="left",
        parse_math=False,
    )
    axes = row.subplots(1, 4)
    height, width = panel.image.shape[:2]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    pictures = (panel.image, panel.reconstruction, None, panel.image)
    names = ("input", "reconstruction", "anomaly map", "regions")
    for axis, picture, name in zip(axes, pictures, names, strict=True):
        axis.set(xticks=[], yticks=[])
        axis.set_xlabel(name, fontsize=8)
        if picture is not None:
            axis.imshow(displayable(picture), extent=extent)
    shown = axes[2].imshow(
        panel.anomaly_map,
        cmap=MAP_COLORMAP,
        vmin=0.0,
        vmax=MAP_LIMIT,
        extent=extent,
    )
    bar = row.colorbar(shown, ax=axes[2], fraction=0.046, extend="max")
    bar.ax.tick_params(labelsize=7)
    bar.set_label(MAP_UNIT, fontsize=7)
    _draw_contour(axes, bar.ax, panel, extent)


def _draw_contour(axes, bar, panel: Panel, extent) -> None:
    threshold = panel.map_threshold
    if threshold is None:
        return
    bar.axhline(threshold, color=CONTOUR_COLOR, lw=1.5)
    if panel.anomaly_map.max() <= threshold:
        axes[3].set_xlabel("no region above\nthe map's threshold", fontsize=8)
        return
    left, right, bottom, top = extent
    rows, columns = panel.anomaly_map.shape
    for axis in axes[2:]:
        axis.contour(
            # Pixel centres of the map in the picture's coordinates.
            left + (np.arange(columns) + 0.5) * (right - left) / columns,
            top + (np.arange(rows) + 0.5) * (bottom - top) / rows,
            panel.anomaly_map,
            [threshold],
            colors=CONTOUR_COLOR,
            linewidths=1.2,
        )
    axes[3].set_xlabel(f"regions above {threshold:.3g}", fontsize=8)


def overlay_png(
    image: np.ndarray, anomaly_map: np.ndarray, *, map_threshold: float
) -> bytes:
    """A small picture of one image: input, map, and input with contour.

    Args:
        image: Floats of shape (height, width, channels) in [-1, 1].
        anomaly_map: Floats of shape (height, width), 1 is rare.
        map_threshold: Level of the contour.

    Returns:
        png: Encoded picture, at most `OVERLAY_SIZE` pixels high.
    """
    panel = Panel("", image, image, anomaly_map, map_threshold)
    image, _, colored, marked = _small_pictures(panel, OVERLAY_SIZE)
    return _encoded([image, colored, marked], "PNG")


def strip_jpeg(panel: Panel, *, size: int) -> bytes:
    """The four pictures of a panel side by side, for a gallery.

    Args:
        panel: `Panel` with a threshold.
        size: Largest side of each picture in pixels.

    Returns:
        jpeg: Encoded picture: input, reconstruction, map, input with contour.
    """
    return _encoded(_small_pictures(panel, size), "JPEG")


def _small_pictures(panel: Panel, size: int) -> list[np.ndarray]:
    """The pictures of a panel as RGB of 0 to 1, at a stride."""
    step = -(-max(panel.image.shape[:2]) // size)
    image, reconstruction = (
        displayable(picture)[::step, ::step]
        for picture in (panel.image, panel.reconstruction)
    )
    anomaly_map = panel.anomaly_map[::step, ::step]
    colored = colormaps[MAP_COLORMAP](anomaly_map / MAP_LIMIT)[..., :3]
    inside = anomaly_map > panel.map_threshold
    marked = image.copy()
    marked[ndimage.binary_dilation(inside) & ~inside] = to_rgb(CONTOUR_COLOR)
    return [image, reconstruction, colored, marked]


def _encoded(pictures: Sequence[np.ndarray], kind: str) -> bytes:
    """Pictures side by side as the content of a file."""
    gap = np.ones([len(pictures[0]), 2, 3])
    columns = [column for picture in pictures for column in (picture, gap)]
    pixels = np.hstack(columns[:-1])
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(255 * pixels + 0.5)).save(buffer, kind)
    return buffer.getvalue()
