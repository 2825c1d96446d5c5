"""A shard: the part of a run's images that is scored and written as one.

The shard of an image follows from its path alone, so whoever repeats a shard
scores the same images and writes the same files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from ganad_tf.bulk.file_systems import FoundFile


class Shard(NamedTuple):
    """Images of one shard, each once, in sorted order of their paths."""

    number: int
    images: list[FoundFile]
    num_skipped: int  # further images that an earlier run has scored


def shard_of(path: bytes, num_shards: int) -> int:
    """Which shard an image is of.

    Args:
        path: Name of the image, as the operating system's bytes.
        num_shards: Number of all shards.

    Returns:
        number: 0 to `num_shards - 1`.

    Example:
    >>> shard_of(b"a.png", 16), shard_of(b"b.png", 16)
    (8, 4)
    """
    digest = hashlib.sha256(path).digest()
    return int.from_bytes(digest[:8], "big") % num_shards


def make_shard(
    number: int, listed: Iterable[FoundFile], scored: Iterable[str]
) -> Shard:
    """Makes a shard of what was found about it.

    Args:
        number: Of the shard.
        listed: Its images; one that is listed twice counts once.
        scored: Images that an earlier run has scored.

    Returns:
        shard: The images to score.

    Example:
    >>> make_shard(0, [FoundFile("b", 1), FoundFile("a", 1)], ["b"])
    Shard(number=0, images=[FoundFile(path='a', size=1)], num_skipped=1)
    """
    sizes = {file.path: file.size for file in listed}
    scored = set(scored)
    images = [
        FoundFile(path, size)
        for path, size in sorted(sizes.items())
        if path not in scored
    ]
    return Shard(number, images, len(sizes) - len(images))
