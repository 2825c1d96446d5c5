"""The canvas of every figure: an empty figure, and its PNG."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of width x height inches, at 100 pixels an inch."""
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def encode_png(figure: Figure, **text: str) -> bytes:
    """The figure as a PNG file's content, with entries of text in it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None, **text})
    return buffer.getvalue()


def displayable(image: np.ndarray) -> np.ndarray:
    """The RGB picture that Matplotlib shows of an image.

    Args:
        image: Floats of shape (height, width, 1 or 3) in [-1, 1].

    Returns:
        picture: Floats of shape (height, width, 3) in [0, 1].
    """
    image = np.clip((image + 1.0) / 2.0, 0.0, 1.0)
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
