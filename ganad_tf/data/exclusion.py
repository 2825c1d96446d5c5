"""Exclusion: images that a person has found not to be good."""

from __future__ import annotations

from collections.abc import Iterable

from absl import logging

from ganad_tf.data import marks
from ganad_tf.data.dataset import Split
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError

_STATUS = "excluded by --exclude"


def without_excluded(
    files: Iterable[ImageFile], exclude: str | None
) -> tuple[list[ImageFile], list[ImageFile]]:
    """Parts images that are listed as not good from the others.

    Args:
        files: Of a data set.
        exclude: File of `marks.read_marks`; None for none. Images that it
            marks as good stay.

    Returns:
        kept: The others, in their order.
        excluded: With a `status` that says why they are not used.

    Raises:
        UserError: If the list cannot be read, or names no image of these.
    """
    files = list(files)
    excluded = _excluded(files, exclude)
    if excluded:
        logging.info("Excluded %d images by %s.", len(excluded), exclude)
    return (
        [file for file in files if file not in excluded],
        [file._replace(status=_STATUS) for file in files if file in excluded],
    )


def check_excluded(split: Split, exclude: str | None, model_dir: str) -> None:
    """Checks that a split was made without the images of a list.

    Args:
        split: Of a model folder.
        exclude: As of `without_excluded`.
        model_dir: The folder, for the error's text.

    Raises:
        UserError: If the model has seen one of them.
    """
    files = [file for files in split for file in files]
    seen = _excluded(files, exclude) & {*split.train, *split.calibration}
    if seen:
        raise UserError(
            f"{model_dir} holds a model that has seen {len(seen)} images of "
            f"{exclude}, such as {min(seen).name}. Expected another "
            "--model_dir for another training set"
        )


def _excluded(files: list[ImageFile], exclude: str | None) -> set[ImageFile]:
    if exclude is None:
        return set()
    marked = marks.marked_files(files, marks.read_marks(exclude))
    return {file for file, mark in marked.items() if mark == marks.MISSED}
