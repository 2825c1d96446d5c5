"""Plain figures beside the martingales: window by window of a stream.

They alarm nobody: looked at often enough, some window of an unchanged line is
beyond any band. They show when and how a line has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats

from ganad_tf.evaluation import metrics
from ganad_tf.production.score_stream import ScoredImage


class Window(NamedTuple):
    """What a window of the stream looks like."""

    start: int  # its first image, from 0
    stop: int  # the image after its last one
    share_below: float  # of p-values at most alpha
    band: tuple[float, float]  # where that share lies in 95 % of windows
    ks_p_value: float  # of a Kolmogorov-Smirnov test of its p-values
    # By name of `LOOKS`: median, less the reference's, in deviations of it;
    # None where there are no pictures.
    shifts: dict[str, float | None]


def windows(
    images: Sequence[ScoredImage],
    *,
    num_calibration: int,
    alpha: float,
    size: int,
    looks: Mapping[str, np.ndarray],
    usual_looks: Mapping[str, np.ndarray],
) -> list[Window]:
    """Describes a stream window by window.

    Args:
        images: The stream.
        num_calibration: Calibration images of the detector.
        alpha: False-alarm rate of the share.
        size: Images of a window; the last one may have more.
        looks: Of `looks_of` the stream.
        usual_looks: Of images of a time when all was well.

    Returns:
        windows: At least one.
    """
    usual = _spread(usual_looks)
    starts = list(range(0, max(len(images) - size, 0) + 1, size))
    stops = [*starts[1:], len(images)]
    return [
        _window(images, looks, start, stop, usual, num_calibration, alpha)
        for start, stop in zip(starts, stops, strict=True)
    ]


def _window(
    images, looks, start, stop, usual, num_calibration, alpha
) -> Window:
    chosen = images[start:stop]
    p_values = np.array([image.p_value for image in chosen])
    band = metrics.expected_rate95(
        alpha, num_calibration=num_calibration, num_images=len(chosen)
    )
    return Window(
        start,
        stop,
        float(np.mean(p_values <= alpha + 1e-9)),
        tuple(band),
        _ks_p_value(p_values, num_calibration),
        {
            name: _shift(values[start:stop], *usual[name])
            for name, values in looks.items()
        },
    )


def _ks_p_value(p_values: np.ndarray, num_calibration: int) -> float:
    """Of a two-sample test against the calibration images.

    Their own p-values would be 1/(n + 1), 2/(n + 1), ...
    """
    expected = np.arange(1, num_calibration + 1) / (num_calibration + 1)
    # Half a step lower, so that an image ties with no calibration image.
    lowered = p_values - 0.5 / (num_calibration + 1)
    test = scipy.stats.ks_2samp(lowered, expected, method="asymp")
    return float(test.pvalue)


def _spread(looks: Mapping[str, np.ndarray]) -> dict[str, tuple]:
    """Median and robust deviation of each look, as far as it is known."""
    spreads = {}
    for name, values in looks.items():
        values = values[np.isfinite(values)]
        if len(values) < 2:
            spreads[name] = (None, None)
            continue
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
        # Nothing that hardly varies is far away by its rounding.
        least = 1e-3 * abs(median) + 1e-9
        spreads[name] = (median, max((high - low) / 1.349, least))
    return spreads


def _shift(values: np.ndarray, median, deviation) -> float | None:
    values = values[np.isfinite(values)]
    if median is None or not len(values):
        return None
    return float((np.median(values) - median) / deviation)
