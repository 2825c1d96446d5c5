"""Grouping: which images show the same thing.

Exposures of one tile, or tiles of one board, are alike. Apart in training and
calibration, they make the calibration too optimistic.
"""

from __future__ import annotations

import collections
import hashlib
import posixpath
import re
from collections.abc import Iterable
from collections.abc import Mapping

from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError

FOLDER = "folder"
# Of fewer groups no split has its parts.
MIN_GROUPS = 5


def with_groups(
    files: Iterable[ImageFile], group_by: str | None
) -> list[ImageFile]:
    r"""Says of each image which group it belongs to.

    Args:
        files: `ImageFile`s.
        group_by: "folder": images of one folder are a group. Else a regular
            expression with one group, searched in the file's name with its
            folders: images of which it holds the same text. None: no groups.

    Returns:
        files: The same with their `group`.

    Raises:
        UserError: If it is no such expression, or not found in a name.

    Example:
    >>> file = ImageFile("x", "good/tile7_b.png", 0, "good", "pool")
    >>> [f.group for f in with_groups([file], r"tile(\d+)")]
    ['7']
    """
    files = list(files)
    if group_by is None:
        return files
    if group_by == FOLDER:
        return [f._replace(group=posixpath.dirname(f.name)) for f in files]
    pattern = _compile(group_by)
    return [f._replace(group=_found(pattern, f.name)) for f in files]


def _compile(group_by: str) -> re.Pattern:
    expected = (
        'Invalid value for --group_by. Expected "folder", or a regular '
        'expression with one group in parentheses, such as "(tile[0-9]+)_"'
    )
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        raise UserError(f"{expected}. Received: {group_by!r} ({error})") from (
            error
        )
    if pattern.groups != 1:
        raise UserError(
            f"{expected}. Received: {group_by!r} with {pattern.groups} groups"
        )
    return pattern


def _found(pattern: re.Pattern, name: str) -> str:
    found = pattern.search(name)
    if found is None or found[1] is None:
        raise UserError(
            f"--group_by={pattern.pattern!r} is not found in the name {name}. "
            "Expected an expression that says for each image what it shows"
        )
    return found[1]


def things_of(files: Iterable[ImageFile]) -> dict[str, str]:
    """Which contents show one thing: those of a group, and their copies.

    Groups that share a content are one.

    Args:
        files: `ImageFile`s with digests, and with groups where there are any.

    Returns:
        things: By digest; equal for contents of one thing.
    """
    parents: dict[tuple[str, ...], tuple[str, ...]] = {}

    def root(*key: str) -> tuple[str, ...]:
        while (parent := parents.setdefault(key, key)) != key:
            key = parent
        return key

    files = list(files)
    for file in files:
        if file.group:
            content = root("content", file.digest)
            parents[root("group", file.group)] = content
    return {f.digest: root("content", f.digest)[1] for f in files}


def hashes_of(
    files: Iterable[ImageFile], things: dict[str, str]
) -> dict[str, str]:
    """A hash of each thing by its contents alone, whatever they are called.

    Args:
        files: `ImageFile`s with digests.
        things: As `things_of` returns them.

    Returns:
        hashes: By thing; the digest itself where it has one content.
    """
    digests = collections.defaultdict(set)
    for file in files:
        digests[things[file.digest]].add(file.digest)
    return {thing: _joined_hash(d) for thing, d in digests.items()}


def _joined_hash(digests: set[str]) -> str:
    if len(digests) == 1:
        return next(iter(digests))
    return hashlib.sha256(" ".join(sorted(digests)).encode()).hexdigest()


def num_groups(
    files_by_role: Mapping[str, Iterable[ImageFile]],
) -> dict[str, int]:
    """How many groups each role has; empty where images have no groups.

    Args:
        files_by_role: Files of a split.

    Returns:
        counts: By role, without roles that have none.
    """
    groups = {
        role: len({file.group for file in files if file.group})
        for role, files in files_by_role.items()
        if role not in ("unreadable", "unused")
    }
    return {role: count for role, count in groups.items() if count}


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """Hashes in an order that depends on themselves and the seed alone."""

    def key(name: str) -> str:
        return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()

    return sorted(set(names), key=key)


def one_of_each(
    files: Iterable[ImageFile], seed: int, things: dict[str, str]
) -> tuple[list[ImageFile], list[ImageFile]]:
    """Draws one image of each thing, by its content and the seed alone.

    Args:
        files: `ImageFile`s with digests, each content once.
        seed: Of the draw.
        things: As `things_of` returns them.

    Returns:
        drawn: One file of each thing, in the given order.
        spare: The others; `status` names the one that was drawn.
    """
    files = list(files)
    by_digest = {file.digest: file for file in files}
    drawn: dict[str, ImageFile] = {}
    for digest in shuffled(by_digest, seed):
        drawn.setdefault(things[digest], by_digest[digest])
    chosen = [drawn[things[file.digest]] for file in files]
    spare = [
        file._replace(status=f"in a group with {other.name}")
        for file, other in zip(files, chosen, strict=True)
        if file != other
    ]
    pairs = zip(files, chosen, strict=True)
    return [file for file, other in pairs if file == other], spare
