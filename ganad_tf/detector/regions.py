"""Regions: connected pixels of an anomaly map at or above a threshold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import ndimage


class Region(NamedTuple):
    """One connected region; pixels are those of the map."""

    area: int  # pixels
    top: int  # first row
    left: int  # first column
    height: int  # rows of the box around it
    width: int  # columns of the box around it
    peak: float  # largest value of the map in it
    mean: float  # mean value of the map in it


def find_regions(anomaly_map: np.ndarray, threshold: float) -> list[Region]:
    """The regions of one map, the highest peak first.

    Args:
        anomaly_map: Floats of shape (height, width).
        threshold: Level from which on a pixel belongs to a region, such as
            the detector's `map_calibrator_.threshold_`: a qualified image has
            a region at all with a probability of at most `alpha`.

    Returns:
        regions: `Region`s; pixels that touch at a corner are connected.

    Example:
    >>> anomaly_map = np.zeros([8, 8])
    >>> anomaly_map[2:4, 5:8] = 3.0
    >>> find_regions(anomaly_map, 1.0)[0][:5]
    (6, 2, 5, 2, 3)
    """
    labelled, _ = ndimage.label(anomaly_map >= threshold, np.ones([3, 3]))
    regions = []
    for number, box in enumerate(ndimage.find_objects(labelled), start=1):
        values = anomaly_map[box][labelled[box] == number]
        rows, columns = box
        regions.append(
            Region(
                len(values),
                rows.start,
                columns.start,
                rows.stop - rows.start,
                columns.stop - columns.start,
                float(values.max()),
                float(values.mean()),
            )
        )
    return sorted(regions, key=lambda region: -region.peak)


def to_csv(
    regions_by_path: Iterable[tuple[str, list[Region]]], *, header: bool = True
) -> str:
    """Formats the regions of images as CSV, a row a region.

    Args:
        regions_by_path: Names of images with their regions.
        header: Whether the first line names the columns.

    Returns:
        text: The file's content.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if header:
        writer.writerow(("path", *Region._fields))
    for path, regions in regions_by_path:
        for region in regions:
            numbers = (f"{value:.5g}" for value in region[5:])
            writer.writerow((path, *region[:5], *numbers))
    return buffer.getvalue()
