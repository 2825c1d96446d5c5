"""New files: which new images may calibrate a model, one of each thing."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from absl import logging

from ganad_tf.data import dataset
from ganad_tf.data import grouping
from ganad_tf.data import image_tensors
from ganad_tf.data import marks
from ganad_tf.data import near_copies
from ganad_tf.data.listing import ImageFile
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError

# Of new images, with new reference statistics: the others are for these.
CALIBRATION_SHARE = 0.25
# Pairs of near-copies that the record names.
_MAX_LISTED = 100


class NewFiles(NamedTuple):
    """New images that a model was not trained with."""

    drawn: list[ImageFile]  # one of each thing, in the order of names
    spare: list[ImageFile]  # further ones of the same things
    facts: dict[str, Any]  # how they were chosen

    def divided(
        self, seed: int, *, least: int
    ) -> tuple[list[ImageFile], list[ImageFile]]:
        """Images for statistics and for a calibration, by content and seed.

        All images of a thing have one role; of each thing one calibrates.

        Args:
            seed: Of the order.
            least: Things that the statistics need.

        Returns:
            reference: Images for the statistics.
            calibration: One image of each other thing.

        Raises:
            UserError: If there are too few.
        """
        files = self.drawn + self.spare
        things = grouping.things_of(files)
        hashes = grouping.hashes_of(files, things)
        order = grouping.shuffled(hashes.values(), seed)
        count = round(CALIBRATION_SHARE * len(order))
        if len(order) - count < least:
            raise UserError(
                "Too few new images for --statistics. Expected at least "
                f"{least} beside a quarter that calibrates. Received: "
                f"{len(order)} in all"
            )
        held_out = set(order[:count])
        calibrates = {f: hashes[things[f.digest]] in held_out for f in files}
        return (
            sorted(file for file in files if not calibrates[file]),
            [file for file in self.drawn if calibrates[file]],
        )


def choose_files(
    images: str,
    *,
    marks_path: str | None,
    group_by: str | None,
    trained: Collection[str],
    seed: int,
) -> NewFiles:
    """Chooses the new images that may calibrate a model.

    What the networks were trained with is closer to them than new images are,
    and images of one thing are closer to each other: both would give a
    threshold that is too low.

    Args:
        images: Folder of new good images; of a folder in MVTec-AD layout
            `train/good` alone.
        marks_path: File of `marks.read_marks`; None for none.
        group_by: As of `grouping.with_groups`.
        trained: Digests of images that the networks were trained with.
        seed: Of the draw of one image of each thing.

    Returns:
        files: `NewFiles`, each content once.

    Raises:
        UserError: If there is no image that can be used, or marks or
            `group_by` are invalid.
    """
    found = grouping.with_groups(_readable(images, marks_path), group_by)
    _warn_of_no_group(found, group_by)
    new = [file for file in found if file.digest not in trained]
    if len(new) < len(found):
        logging.warning(
            "Left out %d images that the model was trained with.",
            len(found) - len(new),
        )
    if not new:
        raise UserError(
            f"No image of {images} can be used. Expected new good images, "
            "which nobody trained with"
        )
    drawn, spare = grouping.one_of_each(new, seed, grouping.things_of(new))
    if spare:
        logging.info(
            "%d images show %d things: one of each calibrates.",
            len(new),
            len(drawn),
        )
    facts = {
        "group_by": group_by,
        "num_trained_left_out": len(found) - len(new),
        **_near_copies(drawn, seed),
    }
    return NewFiles(drawn, spare, facts)


def _readable(images: str, marks_path: str | None) -> list[ImageFile]:
    """Readable good images, each content once, in the order of names."""
    listed = list_images(images)
    files = [file for file in listed if file.part in ("pool", "train")]
    if marks_path is not None:
        marked = marks.marked_files(listed, marks.read_marks(marks_path))
        missed = {file for file, mark in marked.items() if mark == marks.MISSED}
        added = {file for file, mark in marked.items() if mark == marks.GOOD}
        files = sorted((set(files) | added) - missed)
        logging.info("By %s, %d images are left out.", marks_path, len(missed))
    by_digest: dict[str, ImageFile] = {}
    for file in dataset.scan_images(files, check=image_tensors.check_decodes):
        if file.status == "ok":
            by_digest.setdefault(file.digest, file)
    return list(by_digest.values())


def _warn_of_no_group(files: Sequence[ImageFile], group_by: str | None) -> None:
    alone = sum(not file.group for file in files)
    if group_by is not None and alone:
        logging.warning(
            "%d images are in no group by --group_by=%s: each counts as a "
            "thing of its own.",
            alone,
            group_by,
        )


def _near_copies(files: Sequence[ImageFile], seed: int) -> dict[str, Any]:
    """Pairs that look like one thing, though they count as two."""
    pairs = near_copies.correlated_files(files, seed=seed)
    if pairs:
        first, second, _ = pairs[0]
        logging.warning(
            "%d pairs of new images are near-copies, such as %s and %s. The "
            "calibration is too optimistic: more good images may be called "
            "defective than alpha says. If they show one thing, tell things "
            "apart by --group_by.",
            len(pairs),
            first.name,
            second.name,
        )
    listed = [
        {"names": [first.name, second.name], "correlation": correlation}
        for first, second, correlation in pairs[:_MAX_LISTED]
    ]
    return {"num_near_copies": len(pairs), "near_copies": listed}
