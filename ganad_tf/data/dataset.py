"""The data set: the role of each image in training, calibration and test."""

from __future__ import annotations

import collections
import functools
import hashlib
import os
from collections.abc import Callable
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from absl import logging
from PIL import Image

from ganad_tf import artifacts
from ganad_tf.data import image_files
from ganad_tf.data.listing import ImageFile
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError

MIN_QUALIFIED = 20
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
    files: Iterable[ImageFile], *, seed: int, max_images: int | None = None
) -> Split:
    """Splits scanned images into training, calibration and test.

    Contents are ordered by a hash of the seed and their digest, and cut at
    fixed shares: 75 % training and 25 % calibration where the data set has a
    test part of its own, else 60 % training, 20 % calibration and 20 % test
    of the qualified images. Copies of one image stay together, so no content
    is in two parts.

    Args:
        files: `ImageFile`s of `scan_images`.
        seed: Another seed gives another split.
        max_images: Maximum number of training and calibration images, in
            the same shares; None for all.

    Returns:
        split: `Split`, each part in the order of names.

    Raises:
        UserError: If there are too few readable qualified images.
    """
    by_part = collections.defaultdict(list)
    for file in files:
        by_part[file.part if file.status == "ok" else "unreadable"].append(file)
    pool = by_part["pool"] + by_part["train"]
    shares = (0.6, 0.8) if by_part["pool"] else (0.75, 1.0)
    _check_enough(pool, by_part["unreadable"])
    train, calibration, rest = _cut(pool, shares, seed)
    train, calibration = _limit(train, calibration, max_images)
    unseen = _drop_copies(pool, by_part)
    return Split(
        train=tuple(train),
        calibration=tuple(calibration),
        test_qualified=tuple(rest + [f for f in unseen["test"] if not f.label]),
        test_defective=tuple(f for f in unseen["test"] if f.label),
        control=tuple(unseen["control"]),
        unreadable=tuple(by_part["unreadable"]),
    )


def _drop_copies(pool, by_part) -> dict[str, list[ImageFile]]:
    """Test and control images that are no copies of images of the pool."""
    seen = {file.digest for file in pool}
    if len(seen) < len(pool):
        logging.info(
            "%d qualified images are copies of others; copies stay together.",
            len(pool) - len(seen),
        )
    unseen = {
        part: [file for file in by_part[part] if file.digest not in seen]
        for part in ("test", "control")
    }
    num_copies = sum(len(by_part[part]) - len(unseen[part]) for part in unseen)
    if num_copies:
        logging.warning(
            "Skipped %d test images that are copies of qualified training "
            "or calibration images.",
            num_copies,
        )
    return unseen


def _check_enough(pool: list[ImageFile], unreadable: list[ImageFile]) -> None:
    num_contents = len({file.digest for file in pool})
    if num_contents < MIN_QUALIFIED:
        hint = f"; {len(unreadable)} could not be read" if unreadable else ""
        if unreadable:
            hint += f", such as {unreadable[0].path}: {unreadable[0].status}"
        raise UserError(
            f"Too few qualified images: expected at least {MIN_QUALIFIED} "
            f"different ones, received {num_contents}{hint}"
        )


def _cut(files, shares, seed) -> list[list[ImageFile]]:
    """Three lists of files, cut at the given shares of their contents."""

    def key(digest: str) -> str:
        return hashlib.sha256(f"{seed}:{digest}".encode()).hexdigest()

    digests = sorted({file.digest for file in files}, key=key)
    first, second = (round(share * len(digests)) for share in shares)
    side = {digest: 0 for digest in digests[:first]}
    side |= {digest: 1 for digest in digests[first:second]}
    parts = [[], [], []]
    for file in files:
        parts[side.get(file.digest, 2)].append(file)
    return parts


def _limit(train, calibration, max_images: int | None):
    """The first images of both lists, in the same shares, by digest."""
    total = len(train) + len(calibration)
    if max_images is None or max_images >= total:
        return train, calibration
    count = round(max_images * len(calibration) / total)

    def first(files, number):
        kept = set(sorted(files, key=lambda file: file.digest)[:number])
        return [file for file in files if file in kept]

    return first(train, max_images - count), first(calibration, count)


def save_split(split: Split, model_dir: str, *, data: str, seed: int) -> None:
    """Writes `split.json` to a model folder: names and digests by role."""
    parts = {
        name: [
            {"name": f.name, "digest": f.digest, "type": f.defect_type}
            if f.status == "ok"
            else {"name": f.name, "status": f.status}
            for f in files
        ]
        for name, files in split._asdict().items()
    }
    artifacts.write_json(
        os.path.join(model_dir, SPLIT_NAME),
        {"data": data, "seed": seed, **parts},
    )


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
        path, made_by="train_gan.py", keys=Split._fields
    )
    listed = {file.name: file for file in list_images(data)}
    parts = {}
    for name in Split._fields:
        files = [listed.pop(row["name"], None) for row in content[name]]
        if name != "unreadable":
            _check_unchanged(content[name], files, data)
        parts[name] = tuple(
            file._replace(
                digest=row.get("digest", ""), status=row.get("status", "ok")
            )
            for file, row in zip(files, content[name], strict=True)
            if file is not None
        )
    if listed:
        logging.warning(
            "%d images of %s are not in %s and are not used; train another "
            "model to use them.",
            len(listed),
            data,
            path,
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
    if file is None or not os.path.isfile(file.path):
        return None
    with open(file.path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def load_mask(
    file: ImageFile, *, image_size: image_files.ImageSize
) -> np.ndarray | None:
    """The ground truth of a defective image of an MVTec-AD folder.

    Args:
        file: `ImageFile` of a test image.
        image_size: Side of the mask in pixels, or (height, width).

    Returns:
        mask: Booleans of shape (height, width), nearest neighbour; None where
            there is no mask.
    """
    root = file.path.removesuffix(file.name.replace("/", os.sep))
    stem = os.path.splitext(os.path.basename(file.path))[0]
    folder = os.path.join(root, "ground_truth", file.defect_type)
    for name in (f"{stem}_mask.png", f"{stem}.png"):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with Image.open(path) as mask:
                height, width = image_files.height_and_width(image_size)
                mask = mask.convert("L").resize(
                    (width, height), Image.Resampling.NEAREST
                )
                return np.asarray(mask) > 127
    return None
