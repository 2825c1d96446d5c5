import collections

import pytest

pytest.importorskip("apache_beam")

from ganad_tf.bulk import shard
from ganad_tf.bulk.file_systems import FoundFile


def test_shards_are_even_and_depend_on_the_path_alone():
    names = [f"day{n % 7}/cell{n:06d}.png".encode() for n in range(16_000)]
    numbers = [shard.shard_of(name, 16) for name in names]
    counts = collections.Counter(numbers)
    assert set(counts) == set(range(16))
    # A binomial of mean 1000 has a standard deviation of 31.
    assert all(abs(count - 1000) < 5 * 31 for count in counts.values())
    assert numbers[::-1] == [shard.shard_of(name, 16) for name in names[::-1]]


def test_an_image_counts_once_and_not_if_an_earlier_run_scored_it():
    found = [FoundFile(path, len(path)) for path in ("c", "bb", "c", "a")]
    made = shard.make_shard(3, found, ["bb", "bb", "elsewhere"])
    assert made == shard.Shard(3, [FoundFile("a", 1), FoundFile("c", 1)], 1)
    assert shard.make_shard(0, [], []).images == []
