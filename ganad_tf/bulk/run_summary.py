"""What a run found, as counts that can be added up in any order."""

from __future__ import annotations

import collections
import math
import os
import re
from collections.abc import Iterable
from typing import Any

from ganad_tf.bulk.shard_scoring import ScoredShard
from ganad_tf.scores_csv import Row

NUM_BINS = 20
_DECISIONS = {True: "defective", False: "qualified", None: "none"}

# Counts by what is counted, the first entry of a key.
Summary = collections.Counter


def summary_of(shard: ScoredShard) -> Summary:
    """Counts what a shard holds.

    Args:
        shard: With its rows.

    Returns:
        summary: Counts by keys such as `("status", "ok")`.
    """
    summary = Summary({("skipped",): shard.num_skipped})
    for row in shard.rows:
        summary.update(_counted(row))
    return summary


def _counted(row: Row) -> list[tuple]:
    folder = os.path.dirname(row.path)
    decision = _DECISIONS[row.is_defective]
    keys = [
        ("images",),
        ("status", _kind(row.status)),
        ("decision", decision),
        ("folder", folder, "images"),
    ]
    if row.is_defective:
        keys.append(("folder", folder, "defective"))
    if row.status != "ok":
        keys.append(("folder", folder, "unscored"))
    if row.p_value is not None:
        keys.append(("p_value", p_value_bin(row.p_value)))
    return keys


def _kind(status: str) -> str:
    """A status without what it says of the one image: few are different."""
    return re.sub(r"\d+", "N", status.partition(":")[0])


def p_value_bin(p_value: float) -> int:
    """The bin of a p-value in (0, 1]; each holds its upper end.

    Example:
    >>> p_value_bin(0.05000001), p_value_bin(0.051), p_value_bin(1.0)
    (0, 1, 19)
    """
    # A p-value is float32 where it was made and has 7 digits in a table.
    return max(math.ceil(round(p_value * NUM_BINS, 5)) - 1, 0)


def merge(summaries: Iterable[Summary]) -> Summary:
    """Adds up summaries.

    Example:
    >>> merge([Summary({("images",): 2}), Summary({("images",): 3})])
    Counter({('images',): 5})
    """
    merged = Summary()
    for summary in summaries:
        merged.update(summary)
    return merged


def to_json(summary: Summary) -> dict[str, Any]:
    """Arranges a summary for people.

    Args:
        summary: Of all shards.

    Returns:
        content: Counts of images, by status, by decision, of p-values and by
            folder, sorted.
    """
    folders: dict[str, dict[str, int]] = {}
    for key, count in summary.items():
        if key[0] == "folder":
            counts = {"images": 0, "defective": 0, "unscored": 0}
            folders.setdefault(key[1], counts)[key[2]] = count
    bins = [summary["p_value", number] for number in range(NUM_BINS)]
    return {
        "images": summary["images",],
        "skipped": summary["skipped",],
        "statuses": _by_name(summary, "status"),
        "decisions": _by_name(summary, "decision"),
        "p_values": {
            "upper_ends": [(n + 1) / NUM_BINS for n in range(NUM_BINS)],
            "images": bins,
        },
        "folders": dict(sorted(folders.items())),
    }


def _by_name(summary: Summary, what: str) -> dict[str, int]:
    return {
        key[1]: count
        for key, count in sorted(summary.items())
        if key[0] == what
    }
