"""Changed sets: a data set with other training images, by symbolic links."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ganad_tf.data import dataset
from ganad_tf.data import grouping
from ganad_tf.data import image_tensors
from ganad_tf.data import masks
from ganad_tf.data.listing import ImageFile
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError


class RealSet(NamedTuple):
    """Images of a data set that can be changed; all have digests."""

    pool: list[ImageFile]  # good, in an order that the seed decides
    good: list[ImageFile]  # good test images
    defective: list[ImageFile]  # in an order that the seed decides


def read_set(data: str, *, seed: int, group_by: str | None = None) -> RealSet:
    """Reads which images a set may be changed by.

    Args:
        data: As of `list_images`.
        seed: Of the orders, and of the test images where the set has none.
        group_by: As of `grouping.with_groups`: images of one thing follow each
            other in the pool.

    Returns:
        images: `RealSet`.

    Raises:
        UserError: If there are no images, or no defective ones.
    """
    files = dataset.scan_images(
        list_images(data), check=image_tensors.check_decodes
    )
    split = dataset.split_images(files, seed=seed, group_by=group_by)
    # Of a calibration group the split uses one image; here all are.
    spare = [f for f in split.unused if f.status.startswith("in a group")]
    pool = [*split.train, *split.calibration, *spare]
    if not split.test_defective:
        raise UserError(
            f"{data} has no defective images. Expected a set with a test"
        )
    return RealSet(
        _in_order(pool, seed),
        list(split.test_qualified),
        _in_order(split.test_defective, seed),
    )


def _in_order(files: Sequence[ImageFile], seed: int) -> list[ImageFile]:
    """Files in a random order, those of one thing next to each other."""
    things = grouping.things_of(files)
    hashes = grouping.hashes_of(files, things)
    order = grouping.shuffled(hashes.values(), seed)
    places = {name: place for place, name in enumerate(order)}
    return sorted(files, key=lambda f: (places[hashes[things[f.digest]]], f))


def write_set(
    folder: str,
    train: Sequence[ImageFile],
    good: Sequence[ImageFile],
    defective: Sequence[ImageFile],
) -> str:
    """Writes a folder in MVTec-AD layout whose files are symbolic links.

    Args:
        folder: It is made, or is of an earlier, equal call.
        train: Training images, with or without a defect. Their names stay, so
            that `group_by` finds what it looks for.
        good: Good test images.
        defective: Defective test images; their masks are linked, too.

    Returns:
        folder: The same.
    """
    for file in train:
        _link(file.path, folder, training_name(file))
    for file in good:
        _link(file.path, folder, f"test/good/{_flat(file.name)}")
    for file in defective:
        kind, name = file.defect_type, _flat(file.name)
        _link(file.path, folder, f"test/{kind}/{name}")
        if mask := masks.find_mask(file):
            stem = os.path.splitext(name)[0]
            _link(mask, folder, f"ground_truth/{kind}/{stem}_mask.png")
    return folder


def training_name(file: ImageFile) -> str:
    """The name of a training image in a changed set."""
    return f"train/good/{file.name}"


def _flat(name: str) -> str:
    return name.replace("/", "_")


def _link(source: str, folder: str, name: str) -> None:
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.lexists(path):
        os.symlink(os.path.abspath(source), path)
