"""Corrected labels: of test images that a person has looked at again."""

from __future__ import annotations

from typing import Any

from absl import logging

from ganad_tf.data import marks
from ganad_tf.data.dataset import Split
from ganad_tf.data.listing import ImageFile


def correct_labels(
    split: Split, marks_path: str | None
) -> tuple[Split, dict[str, Any] | None]:
    """Gives marked test images the label that a person gave them.

    Nothing else is changed: marks of images that are not judged are reported.

    Args:
        split: `Split` of a model.
        marks_path: File of `marks.read_marks`; None for none.

    Returns:
        corrected: The split, in which images that are good after all are
            qualified, and missed ones defective, of the type "missed".
        facts: Number and names of the images that changed; None without marks.

    Raises:
        UserError: If the marks cannot be read, or one is of no image of the
            split.
    """
    if marks_path is None:
        return split, None
    marked = marks.marked_files(
        [file for files in split for file in files],
        marks.read_marks(marks_path),
    )
    good = [f for f in split.test_defective if marked.get(f) == marks.GOOD]
    missed = [f for f in split.test_qualified if marked.get(f) == marks.MISSED]
    not_tested = sorted(file.name for file in set(marked) - set(split.test))
    facts = {
        "num_changed": len(good) + len(missed),
        marks.GOOD: [file.name for file in good],
        marks.MISSED: [file.name for file in missed],
        "not_tested": not_tested,
    }
    _log(facts, marks_path)
    return (
        split._replace(
            test_qualified=_exchanged(split.test_qualified, missed, good, 0),
            test_defective=_exchanged(split.test_defective, good, missed, 1),
        ),
        facts,
    )


def _exchanged(
    files: tuple[ImageFile, ...],
    gone: list[ImageFile],
    new: list[ImageFile],
    label: int,
) -> tuple[ImageFile, ...]:
    kind = marks.MISSED if label else "good"
    relabelled = [f._replace(label=label, defect_type=kind) for f in new]
    return tuple([f for f in files if f not in gone] + relabelled)


def _log(facts: dict[str, Any], marks_path: str) -> None:
    logging.info(
        "By %s, %d test images are good after all, and %d are defective.",
        marks_path,
        len(facts[marks.GOOD]),
        len(facts[marks.MISSED]),
    )
    if facts["not_tested"]:
        logging.warning(
            "%d marked images are no test images, such as %s: their marks "
            "change no figure.",
            len(facts["not_tested"]),
            facts["not_tested"][0],
        )
