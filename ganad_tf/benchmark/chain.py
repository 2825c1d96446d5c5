"""The chain from images to figures: train, fit, evaluate; what it said."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from ganad_tf import artifacts
from ganad_tf.detector.model_folder import fit_detector
from ganad_tf.errors import UserError
from ganad_tf.evaluation import formatting
from ganad_tf.evaluation.evaluate import evaluate_detector
from ganad_tf.score_parts import SCORE_PARTS
from ganad_tf.training.training_run import train_gan


class Outcome(NamedTuple):
    """What one run of the chain came to."""

    results: dict[str, Any] | None  # of `results.json`; None if it ended early
    error: str | None  # the line it ended with
    warnings: list[str]  # each once


class _Warnings(logging.Handler):
    """Keeps the text of warnings."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.texts[record.getMessage()] = None


def run_chain(
    data: str,
    folder: str,
    *,
    seed: int,
    settings: Mapping[str, Any],
    trim: bool = False,
) -> Outcome:
    """Trains, fits and evaluates with defaults; not run again if it ended well.

    With and without `trim`, the same networks are fitted.

    Args:
        data: As of `list_images`.
        folder: For the model, and the report and outcome with and without trim.
        seed: Of the training run.
        settings: Further arguments of `train_gan`.
        trim: As of `fit_detector`.

    Returns:
        outcome: `Outcome`; of an error of the user what the tools would say.
    """
    kind = "trimmed" if trim else "plain"
    path = os.path.join(folder, f"{kind}.json")
    if os.path.exists(path):
        return Outcome(**artifacts.read_json(path, made_by="this program"))
    model, report = model_dir(folder), os.path.join(folder, f"{kind}_report")
    handler, logger = _Warnings(), logging.getLogger("absl")
    logger.addHandler(handler)
    results = error = None
    try:
        train_gan(data, model, seed=seed, **settings)
        fit_detector(data, model, trim=trim)
        results = evaluate_detector(data, model, report)
    except UserError as ended:
        error = str(ended)
    finally:
        logger.removeHandler(handler)
    outcome = Outcome(results, error, list(handler.texts))
    if error is None:
        artifacts.write_json(path, outcome._asdict())
    return outcome


def model_dir(folder: str) -> str:
    """The model folder of a run."""
    return os.path.join(folder, "model")


def folder_of(folder: str, data: str, **decisive: Any) -> str:
    """The folder of a run: another one for whatever changes its results.

    Args:
        folder: Of all runs.
        data: As of `list_images`.
        **decisive: What else the results depend on, as JSON holds it.

    Example:
    >>> folder_of("runs", "/parts/bolt", seed=0)
    'runs/bolt_f46388f8'
    """
    path = data if data.startswith("elpv:") else os.path.realpath(data)
    name = os.path.basename(path).replace(":", "_")
    text = json.dumps([path, decisive], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return os.path.join(folder, f"{name}_{digest}")


def best_baseline(results: Mapping[str, Any]) -> tuple[str, float | None]:
    """Name and AUROC of the baseline with the highest AUROC.

    Args:
        results: Of `Outcome`.
    """
    ours = {part.name for part in SCORE_PARTS}
    areas = {n: a for n, a in results["auroc"].items() if n not in ours}
    best = max(areas, key=lambda name: areas[name] or 0.0)
    return best, areas[best]


def overkill(results: Mapping[str, Any]) -> str:
    """Overkill and its exact interval as text.

    Args:
        results: Of `Outcome`.
    """
    ends = formatting.percent_interval(results["overkill_rate_ci95"])
    return f"{formatting.percent(results['overkill_rate'])} ({ends})"
