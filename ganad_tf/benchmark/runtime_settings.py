"""Scores under other settings of TensorFlow: kernels and threads.

They change the order of sums, and so the last digits. A verdict must not depend
on them.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganad_tf.errors import UserError
from ganad_tf.score_parts import SCORE_PARTS

# Environment of a process by name; the others are compared with the first.
SETTINGS = {
    "oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "oneDNN, 1 thread": {
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
    },
    "oneDNN, 7 and 3 threads": {
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_NUM_INTRAOP_THREADS": "7",
        "TF_NUM_INTEROP_THREADS": "3",
    },
    "no oneDNN, 7 and 3 threads": {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_NUM_INTRAOP_THREADS": "7",
        "TF_NUM_INTEROP_THREADS": "3",
    },
}
# Relative, of a score.
TOLERANCE = 1e-4


def measure(
    tools: str,
    saved_model: str,
    images: str,
    *,
    settings: Mapping[str, Mapping[str, str]] = SETTINGS,
) -> dict[str, dict[str, Any]]:
    """Scores images by `score_images.py`, each time in a new process.

    Args:
        tools: Folder of the tools.
        saved_model: As `--saved_model` of `score_images.py`.
        images: As its `--images`.
        settings: Environment by name.

    Returns:
        differences: For each setting but the first, to the first: the largest
            relative difference of each score, the largest difference of a
            "p_value", and how many "decisions" are others.

    Raises:
        UserError: If the images cannot be scored.
    """
    first, *others = (
        _table(tools, saved_model, images, environment)
        for environment in settings.values()
    )
    return {
        name: _differences(first, other)
        for name, other in zip(list(settings)[1:], others, strict=True)
    }


def _table(tools, saved_model, images, environment) -> list[dict[str, str]]:
    """The rows of `scores.csv` that have scores."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "scores.csv")
        answer = subprocess.run(
            [
                sys.executable,
                os.path.join(tools, "score_images.py"),
                f"--saved_model={saved_model}",
                f"--images={images}",
                f"--output={output}",
            ],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            *_, last = ["", *answer.stderr.strip().splitlines()]
            raise UserError(f"The images cannot be scored: {last}")
        with open(output, newline="", errors="surrogateescape") as file:
            rows = list(csv.DictReader(file))
    return [row for row in rows if row["p_value"]]


def _differences(first, other) -> dict[str, Any]:
    def column(rows, name: str) -> np.ndarray:
        return np.array([float(row[name]) for row in rows])

    found: dict[str, Any] = {"images": len(first)}
    for part in SCORE_PARTS:
        a, b = column(first, part.name), column(other, part.name)
        found[part.name] = float(np.max(np.abs(b / a - 1.0)))
    p_values = column(first, "p_value") - column(other, "p_value")
    decisions = column(first, "is_defective") != column(other, "is_defective")
    return found | {
        "p_value": float(np.max(np.abs(p_values))),
        "decisions": int(decisions.sum()),
    }


def is_kept(differences: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether no score differs beyond `TOLERANCE`, and no decision at all.

    Args:
        differences: As `measure` returns them.
    """
    return all(
        not found["decisions"]
        and all(found[part.name] <= TOLERANCE for part in SCORE_PARTS)
        for found in differences.values()
    )
