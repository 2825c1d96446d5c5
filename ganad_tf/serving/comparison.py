"""Comparison of two ways to the same outputs, row by row."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

TOLERANCE = 1e-4  # relative

Outputs = dict[str, np.ndarray]


class Comparison:
    """Collects the results of checks.

    Args:
        p_value_step: Least difference of two p-values. Scores that agree to
            rounding may lie on either side of a calibration score, so a
            p-value may differ by one step, and with it a decision.

    Attributes:
        checks: Results by the name of the check: "passed", and "relative",
            the largest difference of each output, or "found", what `record`
            was given.
    """

    def __init__(self, p_value_step: float):
        self.checks = {}
        self._p_value_step = p_value_step

    def record(self, name: str, facts: Any, passed: bool) -> None:
        """Adds the result of a check that compares no outputs."""
        self.checks[name] = {"found": facts, "passed": passed}

    def compare(self, name: str, outputs: Outputs, expected: Outputs) -> None:
        """Compares the outputs that both sides have; there must be one.

        Args:
            name: Name of the check.
            outputs: Arrays of shape (n, ...) by name.
            expected: Arrays of the same shapes by name.
        """
        shared = sorted(outputs.keys() & expected.keys())
        differences = {
            key: float(self._differences(key, outputs, expected).max())
            for key in shared
        }
        passed = bool(shared) and all(
            difference <= TOLERANCE for difference in differences.values()
        )
        self.checks[name] = {"relative": differences, "passed": passed}

    def _differences(self, key, outputs, expected) -> np.ndarray:
        steps = np.abs(outputs["p_value"] - expected["p_value"])
        tied = (steps > 1e-9) & (steps < 1.5 * self._p_value_step)
        differences = _row_differences(outputs[key], expected[key])
        if key in ("p_value", "is_defective"):
            return np.where(tied, 0.0, differences)
        return differences


def failures(checks: dict[str, dict]) -> list[str]:
    """One line for each check that failed.

    Args:
        checks: Of `Comparison.checks`.

    Example:
    >>> relative = {"anomaly_score": 0.5, "p_value": 0.0}
    >>> failures({"threads": {"relative": relative, "passed": False}})
    ['threads: anomaly_score differs by 0.5']
    """
    return [
        f"{name}: {_reason(check)}"
        for name, check in checks.items()
        if not check["passed"]
    ]


def _reason(check: dict[str, Any]) -> str:
    if "found" in check:
        return str(check["found"])
    differing = (
        f"{name} differs by {difference:.2g}"
        for name, difference in check["relative"].items()
        if not difference <= TOLERANCE  # NaN differs too
    )
    return ", ".join(differing) or "no output in common"


def _row_differences(outputs: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Largest difference of each row, relative to its largest value."""
    if outputs.dtype == object:
        return _png_differences(outputs, expected)
    outputs, expected = (
        np.reshape(np.asarray(array, np.float64), [len(array), -1])
        for array in (outputs, expected)
    )
    scale = np.abs(expected).max(axis=1) + 1e-12
    return np.abs(outputs - expected).max(axis=1) / scale


def _png_differences(outputs: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """8-bit steps beyond the one by which rounding may move a pixel."""
    outputs, expected = (
        np.stack([_png_pixels(png) for png in column])
        for column in (outputs, expected)
    )
    steps = np.abs(outputs - expected).max(axis=(1, 2))
    return np.maximum(steps - 1.0, 0.0)


def _png_pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L"), np.float64)
