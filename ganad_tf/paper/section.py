"""A section of the reproduction: one figure or table beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import NamedTuple


class Section(NamedTuple):
    """One figure or table."""

    name: str  # of its file
    title: str
    caption: str  # what is drawn or listed
    paper: str  # what the paper shows there
    agreement: str  # as `agreement` says it
    finding: str  # sentences on what agrees and what does not
    numbers: dict[str, Any]  # what the sentences are about
    png: bytes | None = None
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def agreement(agreeing: int, total: int) -> str:
    """How far a section agrees with the paper.

    Args:
        agreeing: How many of its findings agree.
        total: How many findings there are; without any, nothing disagrees.

    Example:
    >>> agreement(2, 2), agreement(1, 2), agreement(0, 2)
    ('agrees', 'agrees in part', 'does not agree')
    """
    if agreeing == total:
        return "agrees"
    return "agrees in part" if agreeing else "does not agree"
