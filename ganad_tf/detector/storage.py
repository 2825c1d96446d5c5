"""Storage: a fitted detector as a folder of JSON and NumPy arrays."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from ganad_tf import artifacts
from ganad_tf.detector.graph import DetectorGraph
from ganad_tf.detector.weights_digest import weights_digest
from ganad_tf.errors import UserError

MADE_BY = "fit_detector.py"
CONFIG_NAME = "detector.json"
STATISTICS_NAME = "statistics.npz"
# Arguments that earlier versions wrote, whose detectors judge differently.
_OUTDATED = ("aligned", "grid")
# Attributes of the detector whose own fitted attributes are stored.
_OWNERS = (
    "latent_gaussian_",
    "residual_statistics_",
    "fusion_",
    "calibrator_",
    "map_calibrator_",
)
# Entries of `detector.json` that make a detector.
_ARGUMENTS = ("inverter", "whiten", "score_parts", "alpha")
_OWN = ("map_scale_",)
_FIELD = "field"
# Entry of `detector.json`: of the networks that the detector was fitted with.
WEIGHTS_KEY = "weights_sha256"


def save(detector: DetectorGraph, path: str) -> None:
    """Writes a fitted detector, without its GAN, in one step.

    Args:
        detector: Fitted.
        path: The folder; an earlier one is replaced.

    Raises:
        UserError: If the folder cannot be written.
    """
    facts = {
        "threshold": detector.calibrator_.threshold_,
        "map_threshold": detector.map_calibrator_.threshold_,
        "num_training": detector.latent_gaussian_.num_latents_,
        "num_calibration": len(detector.calibrator_.scores_),
        WEIGHTS_KEY: weights_digest(detector),
    }
    with artifacts.new_directory(path) as folder:
        artifacts.write_json(
            os.path.join(folder, CONFIG_NAME),
            {**detector.get_config(), **facts},
        )
        np.savez(
            os.path.join(folder, STATISTICS_NAME), **statistics_of(detector)
        )


def statistics_of(detector: DetectorGraph) -> dict[str, np.ndarray]:
    """What has been fitted of a detector.

    Args:
        detector: Fitted, or with statistics and no calibration yet.

    Returns:
        statistics: By "owner/name", or "name" of the detector's own.
    """
    owned = {
        f"{owner}/{name}": value
        for owner in _OWNERS
        for name, value in vars(getattr(detector, owner)).items()
        if name.endswith("_")
    }
    fields = {} if detector.field is None else detector.field.fields_
    levels = {
        f"{_FIELD}/{level}/{name}": value
        for level, field in fields.items()
        for name, value in vars(field).items()
        if name.endswith("_")
    }
    own = {n: getattr(detector, n) for n in _OWN if hasattr(detector, n)}
    return owned | levels | own


def read_config(path: str) -> dict[str, Any]:
    """Reads the arguments of a saved detector.

    Args:
        path: The folder that `save` wrote.

    Returns:
        config: Content of `detector.json`.

    Raises:
        UserError: If there is no detector, or one of an earlier version.
    """
    name = os.path.join(path, CONFIG_NAME)
    config = artifacts.read_json(name, made_by=MADE_BY, keys=_ARGUMENTS)
    outdated = [key for key in _OUTDATED if key in config]
    if outdated:
        raise UserError(
            f"{name} is of an earlier version of the detector. Expected no "
            f"entry {' or '.join(_OUTDATED)}. Received: {', '.join(outdated)}. "
            f"Run {MADE_BY} again"
        )
    return config


def check_weights(detector: DetectorGraph, path: str) -> None:
    """Checks that a detector was fitted with the networks it has now.

    A detector of an earlier version does not say: it is taken, with a warning,
    since most are what they seem to be and lines run with them.

    Args:
        detector: With its networks; fitted or not.
        path: The folder that `save` wrote to.

    Raises:
        UserError: If it was fitted with other weights.
    """
    name = os.path.join(path, CONFIG_NAME)
    fitted_with = read_config(path).get(WEIGHTS_KEY)
    if fitted_with is None:
        logging.warning(
            "%s does not say which weights it was fitted with: it is of an "
            "earlier version. If the GAN was trained again since, its verdicts "
            "are wrong; %s makes sure.",
            name,
            MADE_BY,
        )
    elif fitted_with != weights_digest(detector):
        raise UserError(
            f"{name} was fitted with other weights than those of the trained "
            f"GAN. Expected {WEIGHTS_KEY}={weights_digest(detector)[:12]}... "
            f"Received: {fitted_with[:12]}... Run {MADE_BY} again"
        )


def restore_statistics(detector: DetectorGraph, path: str) -> None:
    """Gives an unfitted detector the statistics of a saved one.

    Args:
        detector: Of the arguments that `read_config` reads.
        path: The folder that `save` wrote.

    Raises:
        UserError: If they are missing or broken.
    """
    give_statistics(detector, _read_statistics(path))


def give_statistics(
    detector: DetectorGraph, statistics: Mapping[str, np.ndarray]
) -> None:
    """Gives an unfitted detector what was fitted of another one.

    Args:
        detector: Of the same arguments, before it is first used.
        statistics: Of `statistics_of`.
    """
    for key, value in statistics.items():
        *owner, name = key.split("/")
        target = _owner(detector, owner)
        setattr(target, name, value if value.ndim else value.item())


def _owner(detector: DetectorGraph, names: list[str]) -> Any:
    """What a stored attribute belongs to."""
    if not names:
        return detector
    if names[0] == _FIELD:
        return detector.field.fields_[names[1]]
    return getattr(detector, names[0])


def _read_statistics(path: str) -> dict[str, np.ndarray]:
    name = os.path.join(path, STATISTICS_NAME)
    try:
        with np.load(name) as statistics:
            return dict(statistics)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"Cannot read {name} ({error}). Run {MADE_BY} again"
        ) from error
