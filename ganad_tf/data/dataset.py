"""The data set: the role of each image in training, calibration and test."""

from __future__ import annotations

import collections
import functools
import hashlib
import os
from collections.abc import Callable
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

from absl import logging

from ganad_tf import artifacts
from ganad_tf import remote
from ganad_tf.data import division
from ganad_tf.data import grouping
from ganad_tf.data import image_files
from ganad_tf.data.listing import ImageFile
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError

MIN_QUALIFIED = 10
SPLIT_NAME = "split.json"

Check = Callable[[bytes], None]


class Split(NamedTuple):
    """The role of each image; no content has two roles."""

    train: tuple[ImageFile, ...]  # qualified, networks and statistics see it
    calibration: tuple[ImageFile, ...]  # qualified, p-values come from it
    test_qualified: tuple[ImageFile, ...]  # seen by the evaluation alone
    test_defective: tuple[ImageFile, ...]  # seen by the evaluation alone
    control: tuple[ImageFile, ...]  # further qualified images, kept apart
    unreadable: tuple[ImageFile, ...]  # skipped, `status` says why
    unused: tuple[ImageFile, ...] = ()  # readable, `status` says why not used

    @property
    def test(self) -> tuple[ImageFile, ...]:
        """The test images, qualified and defective."""
        return self.test_qualified + self.test_defective


def _scan(file: ImageFile, check: Check | None) -> ImageFile:
    """The file with its digest, or with the reason why it cannot be used."""
    try:
        image_bytes = image_files.read_image_bytes(file.path)
        if check is not None:
            check(image_bytes)
        digest = _digest_of(file)
    except (UserError, OSError) as error:
        return file._replace(status=str(error))
    return file._replace(digest=digest)


def scan_images(
    files: Iterable[ImageFile], *, check: Check | None = None
) -> list[ImageFile]:
    """Reads every file once: checks that it decodes, and takes its digest.

    Files are read in parallel; their content is not kept.

    Args:
        files: `ImageFile`s of `list_images`.
        check: Raises `UserError` for the bytes of an image that the decoder
            of a later step refuses, such as `image_tensors.check_decodes`.

    Returns:
        files: The same, in the same order, with `digest` or `status` filled.
    """
    scanned = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file in pool.map(functools.partial(_scan, check=check), files):
            scanned.append(file)
            logging.log_every_n_seconds(
                logging.INFO, "Read %d images.", 10, len(scanned)
            )
    unreadable = [file for file in scanned if file.status != "ok"]
    for file in unreadable[:5]:
        logging.warning("Skipped %s: %s.", file.name, file.status)
    if len(unreadable) > 5:
        logging.warning("Skipped %d unreadable files in all.", len(unreadable))
    return scanned


def split_images(
    files: Iterable[ImageFile],
    *,
    seed: int,
    max_images: int | None = None,
    group_by: str | None = None,
) -> Split:
    """Splits scanned images into training, calibration and test.

    Contents are ordered by a hash of the seed and their digest, and cut at
    fixed shares: 75 % training and 25 % calibration where the data set has a
    test part of its own, else 60 % training, 20 % calibration and 20 % test
    of the qualified images. Copies of an image count once.

    With `group_by`, groups are ordered and cut instead, so that images of one
    thing have one role. Of each calibration group one image is used, drawn by
    the seed: so the calibration images are exchangeable with an image of a new
    group (subsampling once; Dunn, Wasserman & Ramdas 2022, "Distribution-Free
    Prediction Sets for Two-Layer Hierarchical Models", section 4).

    Args:
        files: `ImageFile`s of `scan_images`.
        seed: Another seed gives another split.
        max_images: Maximum number of training and calibration images, in
            the same shares; None for all.
        group_by: As of `grouping.with_groups`.

    Returns:
        split: `Split`, each part in the order of names.

    Raises:
        UserError: If there are too few readable qualified images or groups, or
            `group_by` is invalid.
    """
    files = list(files)
    unreadable = [file for file in files if file.status != "ok"]
    readable = grouping.with_groups(
        (file for file in files if file.status == "ok"), group_by
    )
    by_part, unused = _without_copies(readable)
    pool = by_part["pool"] + by_part["train"]
    things = grouping.things_of(readable)
    _check_enough(pool, unreadable, things)
    shares = (0.6, 0.8) if by_part["pool"] else (0.75, 1.0)
    train, calibration, rest = division.cut(pool, shares, seed, things)
    calibration, spare = grouping.one_of_each(calibration, seed, things)
    train, calibration = division.limit(train, calibration, max_images)
    unseen, seen = _unseen(pool, by_part, things)
    return Split(
        train=tuple(train),
        calibration=tuple(calibration),
        test_qualified=tuple(rest + [f for f in unseen["test"] if not f.label]),
        test_defective=tuple(f for f in unseen["test"] if f.label),
        control=tuple(unseen["control"]),
        unreadable=tuple(unreadable),
        unused=tuple(unused + spare + seen),
    )


def _without_copies(files: list[ImageFile]) -> tuple[dict, list[ImageFile]]:
    """Files by part, each content once, and the other copies."""
    first, by_part, copies = {}, collections.defaultdict(list), []
    for file in files:
        key = (file.part, file.label, file.digest)
        if key in first:
            status = f"copy of {first[key]}"
            copies.append(file._replace(status=status))
        else:
            first[key] = file.name
            by_part[file.part].append(file)
    if copies:
        logging.info(
            "%d images are copies of others and are not counted, such as %s "
            "(%s).",
            len(copies),
            copies[0].name,
            copies[0].status,
        )
    return by_part, copies


def _unseen(pool, by_part, things) -> tuple[dict, list[ImageFile]]:
    """Test and control images of things that are not in the pool; the rest."""
    known = {things[file.digest] for file in pool}
    unseen, seen = {}, []
    for part in ("test", "control"):
        unseen[part] = []
        for file in by_part[part]:
            (seen if things[file.digest] in known else unseen[part]).append(
                file
            )
    if seen:
        logging.warning(
            "Skipped %d test images that show what qualified training or "
            "calibration images show, such as %s.",
            len(seen),
            seen[0].name,
        )
    status = "shows what training or calibration images show"
    return unseen, [file._replace(status=status) for file in seen]


def _check_enough(
    pool: list[ImageFile], unreadable: list[ImageFile], things: dict[str, str]
) -> None:
    if len(pool) < MIN_QUALIFIED:
        hint = f"; {len(unreadable)} could not be read" if unreadable else ""
        if unreadable:
            hint += f", such as {unreadable[0].path}: {unreadable[0].status}"
        raise UserError(
            f"Too few qualified images: expected at least {MIN_QUALIFIED} "
            f"different ones, received {len(pool)}{hint}"
        )
    num_groups = len({things[file.digest] for file in pool})
    if num_groups < grouping.MIN_GROUPS:
        raise UserError(
            "Too few groups of qualified images: expected at least "
            f"{grouping.MIN_GROUPS}, received {num_groups}. Tell more things "
            "apart by --group_by, or add images of others"
        )


def save_split(
    split: Split, model_dir: str, *, data: str, seed: int, **facts: Any
) -> None:
    """Writes `split.json` to a model folder: names and digests by role.

    Args:
        split: `Split`.
        model_dir: The folder.
        data: What `--data` was.
        seed: Of the split.
        **facts: Further entries, such as `group_by`.

    Raises:
        UserError: If the file cannot be written.
    """
    parts = {
        name: [_row(file) for file in files]
        for name, files in split._asdict().items()
    }
    artifacts.write_json(
        os.path.join(model_dir, SPLIT_NAME),
        {"data": data, "seed": seed, **facts, **parts},
    )


def _row(file: ImageFile) -> dict[str, str]:
    if file.status != "ok":
        return {"name": file.name, "status": file.status}
    row = {"name": file.name, "digest": file.digest, "type": file.defect_type}
    return row | ({"group": file.group} if file.group else {})


def read_facts(model_dir: str, *names: str) -> dict[str, Any]:
    """Entries of `split.json` beside its roles.

    Args:
        model_dir: The folder that `save_split` wrote to.
        *names: Of the entries.

    Returns:
        facts: By name; None where an earlier version did not write it.
    """
    path = os.path.join(model_dir, SPLIT_NAME)
    content = artifacts.read_json(path, made_by="train_gan.py")
    return {name: content.get(name) for name in names}


def load_split(data: str, model_dir: str) -> Split:
    """Reads `split.json` of a model folder and locates its images in the data.

    Args:
        data: `--data`, the same or the same images elsewhere.
        model_dir: The folder that `save_split` wrote to.

    Returns:
        split: `Split` of the images in `data`.

    Raises:
        UserError: If there is no such file, or an image of the split is
            missing in the data or has changed.
    """
    path = os.path.join(model_dir, SPLIT_NAME)
    content = artifacts.read_json(
        path,
        made_by="train_gan.py",
        keys=[n for n in Split._fields if n not in Split._field_defaults],
    )
    listed = {file.name: file for file in list_images(data)}
    parts = {}
    for name in Split._fields:
        rows = content.get(name, [])
        files = [listed.pop(row["name"], None) for row in rows]
        if name not in ("unreadable", "unused"):
            _check_unchanged(rows, files, data)
        parts[name] = tuple(
            file._replace(
                digest=row.get("digest", ""),
                status=row.get("status", "ok"),
                group=row.get("group", ""),
            )
            for file, row in zip(files, rows, strict=True)
            if file is not None
        )
    if listed:
        unused = f"{len(listed)} images of {data} are not in {path}"
        logging.warning(
            "%s and are not used; train another model to use them.", unused
        )
    return Split(**parts)


def _check_unchanged(rows, files, data: str) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = list(pool.map(_digest_of, files))
    lost = [
        row["name"]
        for row, digest in zip(rows, digests, strict=True)
        if digest != row["digest"]
    ]
    if lost:
        raise UserError(
            f"{len(lost)} images of {SPLIT_NAME} are missing in "
            f"{data} or have changed, the first is {lost[0]}. Expected the "
            "images the model was trained with; train another model for others"
        )


def _digest_of(file: ImageFile | None) -> str | None:
    if file is None or not remote.is_file(file.path):
        return None
    with remote.open_file(file.path) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
