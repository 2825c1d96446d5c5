"""Division: how many good images are trained with, calibrate and test."""

from __future__ import annotations

from collections.abc import Sequence

from ganad_tf.data import grouping
from ganad_tf.data.listing import ImageFile

# What few images are divided into, before any is left for another role.
_FEW_TRAINING, _FEW_CALIBRATION = 6, 4


def cut(
    files: Sequence[ImageFile],
    shares: tuple[float, float],
    seed: int,
    things: dict[str, str],
) -> list[list[ImageFile]]:
    """Cuts files into three lists at shares of the things that they show.

    Args:
        files: With digests.
        shares: Where the first and the second list end, in [0, 1].
        seed: Of the order.
        things: As of `grouping.things_of`.

    Returns:
        parts: Training, calibration and the rest, each in the given order.
    """
    hashes = grouping.hashes_of(files, things)
    order = grouping.shuffled(hashes.values(), seed)
    first, second = ends(shares, len(order))
    side = {name: 0 for name in order[:first]}
    side |= {name: 1 for name in order[first:second]}
    parts = [[], [], []]
    for file in files:
        parts[side.get(hashes[things[file.digest]], 2)].append(file)
    return parts


def ends(shares: tuple[float, float], count: int) -> tuple[int, int]:
    """Where training and calibration end; of few, more than usual calibrate.

    With two calibration images a detector could promise no false-alarm rate
    below a third.

    Args:
        shares: As of `cut`.
        count: Of things.

    Example:
    >>> ends((0.6, 0.8), 10), ends((0.6, 0.8), 100), ends((0.75, 1.0), 10)
    ((6, 9), (60, 80), (6, 10))
    """
    first, second = (round(share * count) for share in shares)
    if second < count:
        return first, min(max(second, first + _FEW_CALIBRATION), count - 1)
    return min(first, max(count - _FEW_CALIBRATION, _FEW_TRAINING)), second


def limit(
    train: list[ImageFile],
    calibration: list[ImageFile],
    max_images: int | None,
) -> tuple[list[ImageFile], list[ImageFile]]:
    """The first images of both lists, in the same shares, by digest.

    Args:
        train: Training images.
        calibration: Calibration images.
        max_images: Of both together; None for all.
    """
    total = len(train) + len(calibration)
    if max_images is None or max_images >= total:
        return train, calibration
    count = round(max_images * len(calibration) / total)
    count = max(count, min(_FEW_CALIBRATION, len(calibration)))

    def first(files, number):
        kept = set(sorted(files, key=lambda file: file.digest)[:number])
        return [file for file in files if file in kept]

    return first(train, max_images - count), first(calibration, count)
