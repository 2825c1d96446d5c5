"""Few images: what the detector is worth, and promises, with how many."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from ganad_tf.benchmark import chain
from ganad_tf.benchmark import changed_set
from ganad_tf.evaluation import formatting
from ganad_tf.score_parts import ANOMALY
from ganad_tf.score_parts import FRECHET

NUM_IMAGES = (10, 20, 50, 100, 200)
_HEADER = (
    "set",
    "good images: training, calibration",
    "AUROC: anomaly, frechet",
    "best baseline",
    "overkill: promised",
    "observed (95 %)",
    "expected (95 %)",
    "said",
)


class Row(NamedTuple):
    """One set with so many good images."""

    data: str
    num_images: int
    outcome: chain.Outcome


def measure(
    sets: Iterable[str],
    folder: str,
    *,
    numbers: Sequence[int] = NUM_IMAGES,
    seed: int,
    settings: Mapping[str, Any],
) -> list[Row]:
    """Runs the chain with the first images of each set; tests are the same.

    Args:
        sets: As of `list_images`, with defective images.
        folder: For the models; what is complete there is not run again.
        numbers: Of good images that train and calibrate. Larger ones than a
            set has are left out.
        seed: Of the order of the images, and of the training runs.
        settings: Further arguments of `train_gan`.

    Returns:
        rows: `Row`s.

    Raises:
        UserError: If a set cannot be read, or has no defective image.
    """
    rows, group_by = [], settings.get("group_by")
    for data in sets:
        images = changed_set.read_set(data, seed=seed, group_by=group_by)
        for number in numbers:
            if number > len(images.pool):
                continue
            place = chain.folder_of(
                folder, data, num_images=number, seed=seed, settings=settings
            )
            changed = changed_set.write_set(
                os.path.join(place, "data"),
                images.pool[:number],
                images.good,
                images.defective,
            )
            outcome = chain.run_chain(
                changed,
                place,
                seed=seed,
                settings=settings,
            )
            rows.append(Row(data, number, outcome))
    return rows


def markdown(rows: Iterable[Row]) -> str:
    """A Markdown table of `Row`s."""
    return formatting.markdown_table(_HEADER, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    results, said = row.outcome.results, _said(row.outcome)
    if results is None:
        return (row.data, str(row.num_images), *["–"] * 5, said)
    areas = results["auroc"]
    name, area = chain.best_baseline(results)
    return (
        row.data,
        f"{row.num_images}: {results['num_train']}, "
        f"{results['num_calibration']}",
        ", ".join(
            formatting.number(areas[part.name]) for part in (ANOMALY, FRECHET)
        ),
        f"{formatting.number(area)} {name}",
        formatting.percent(results["alpha"]),
        chain.overkill(results),
        f"{formatting.percent_interval(results['overkill_rate_expected95'])} %",
        said,
    )


def _said(outcome: chain.Outcome) -> str:
    """The error, or the first sentence of each warning."""
    if outcome.error is not None:
        return outcome.error
    return "; ".join(text.partition(". ")[0] for text in outcome.warnings)
