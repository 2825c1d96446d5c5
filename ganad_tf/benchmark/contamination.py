"""Contamination: what defects among the training images cost.

Some defective images of the test are planted among the good ones. They are
taken out of the test of every run, also of those without any, so that all
figures of a set are of the same test images.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from ganad_tf import artifacts
from ganad_tf.benchmark import chain
from ganad_tf.benchmark import changed_set
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError
from ganad_tf.evaluation import formatting
from ganad_tf.production import first_look
from ganad_tf.score_parts import ANOMALY

SHARES = (0.0, 0.01, 0.05, 0.1)
# Of the defective images, for training and calibration at most.
_MAX_PLANTED = 0.5
_HEADER = (
    "set",
    "seed",
    "planted",
    "trimmed",
    "AUROC",
    "loss",
    "overkill (95 %)",
    "expected (95 %)",
    "planted among the first tenth",
)


class Row(NamedTuple):
    """One run."""

    data: str
    seed: int
    num_planted: int
    trim: bool
    outcome: chain.Outcome
    found: float | None  # share of the planted ones in the first tenth


def measure(
    sets: Iterable[str],
    folder: str,
    *,
    shares: Sequence[float] = SHARES,
    seeds: Sequence[int],
    settings: Mapping[str, Any],
) -> list[Row]:
    """Runs the chain on each set with defects planted in its training images.

    Args:
        sets: As of `list_images`, with defective images.
        folder: For the models; what is complete there is not run again.
        shares: Of the training images that are planted defects.
        seeds: Of draws and training runs.
        settings: Further arguments of `train_gan`.

    Returns:
        rows: `Row`s.

    Raises:
        UserError: If a set cannot be read, has no defective image, or a run
            failed.
    """
    rows = []
    for data in sets:
        for seed in seeds:
            images = changed_set.read_set(
                data, seed=seed, group_by=settings.get("group_by")
            )
            reserve = _num_planted(images, max(shares))
            for share in shares:
                planted = images.defective[: _num_planted(images, share)]
                tested = images._replace(defective=images.defective[reserve:])
                place = chain.folder_of(
                    folder,
                    data,
                    num_planted=len(planted),
                    reserve=reserve,
                    seed=seed,
                    settings=settings,
                )
                runs = _run(place, tested, planted, seed, settings)
                rows += [Row(data, seed, len(planted), *run) for run in runs]
    return rows


def _run(
    place: str,
    images: changed_set.RealSet,
    planted: Sequence[ImageFile],
    seed: int,
    settings: Mapping[str, Any],
) -> list[tuple[bool, chain.Outcome, float | None]]:
    """Runs with and without trim; the share that a first look finds."""
    data = changed_set.write_set(
        os.path.join(place, "data"),
        images.pool + list(planted),
        images.good,
        images.defective,
    )

    def outcome(trim: bool) -> chain.Outcome:
        ran = chain.run_chain(
            data, place, seed=seed, settings=settings, trim=trim
        )
        if ran.error is not None:
            raise UserError(f"{place}: {ran.error}")
        return ran

    plain = outcome(False)
    found = _found(data, place, planted) if planted else None
    return [(False, plain, found), (True, outcome(True), found)]


def _found(data: str, place: str, planted: Sequence[ImageFile]) -> float:
    """Share of the planted defects in the first tenth to look at; kept."""
    path = os.path.join(place, "found.json")
    if not os.path.exists(path):
        looked = first_look.look_first(
            data, chain.model_dir(place), os.path.join(place, "first.html")
        )
        first = looked.files[: math.ceil(len(looked.files) / 10)]
        names = {changed_set.training_name(file) for file in planted}
        count = sum(file.name in names for file in first)
        artifacts.write_json(path, count / len(names))
    return artifacts.read_json(path, made_by="this program")


def _num_planted(images: changed_set.RealSet, share: float) -> int:
    """Defects that make up so much of the training images, if there are."""
    count = round(len(images.pool) * share / (1.0 - share))
    return min(count, int(_MAX_PLANTED * len(images.defective)))


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table of `Row`s; losses are to the run without defects."""
    clean = {
        (row.data, row.seed, row.trim): _area(row)
        for row in rows
        if not row.num_planted
    }
    return formatting.markdown_table(
        _HEADER,
        [_cells(r, clean.get((r.data, r.seed, r.trim))) for r in rows],
    )


def _area(row: Row) -> float:
    return row.outcome.results["auroc"][ANOMALY.name]


def _cells(row: Row, clean: float | None) -> tuple[str, ...]:
    results = row.outcome.results
    rate, ends = results["overkill_rate"], results["overkill_rate_expected95"]
    return (
        row.data,
        str(row.seed),
        str(row.num_planted),
        "yes" if row.trim else "no",
        formatting.number(_area(row)),
        formatting.number(None if clean is None else clean - _area(row)),
        chain.overkill(results),
        f"{formatting.place(rate, ends)} {formatting.percent_interval(ends)}",
        formatting.percent(row.found),
    )
