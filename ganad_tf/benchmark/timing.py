"""Rates over several runs, and their share of the machine's ceiling.

The machine may be shared and its clock may vary, so the matrix product, the
ceiling of everything here, is measured before and after each single run: a
share of the ceiling is the share at that moment.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

# One row of the results: its numbers by name, such as "median".
Figure = dict[str, Any]

_product = tf.function(tf.matmul, reduce_retracing=True)


def matrix_rate(dtype: tf.DType = tf.float32, side: int = 2048) -> float:
    """Floating-point operations per second of a (side, side) matrix product."""
    matrix = tf.ones([side, side], dtype)
    start = time.perf_counter()
    _product(matrix, matrix)[0, 0].numpy()
    return 2 * side**3 / (time.perf_counter() - start)


def summarize(values: list[float]) -> Figure:
    """Median, smallest and largest of some numbers.

    Example:
    >>> summarize([3.0, 1.0, 2.0])
    {'median': 2.0, 'least': 1.0, 'largest': 3.0}
    """
    return {
        "median": statistics.median(values),
        "least": min(values),
        "largest": max(values),
    }


def measure_rate(
    work: Callable[[], object],
    amount: float,
    *,
    num_runs: int,
    flops: float = 0.0,
) -> Figure:
    """Measures how much work is done per second.

    Args:
        work: Function to run; it returns when its work is done. It is run once
            more, before the measurement, to trace and to warm up.
        amount: How much one run does, in any unit, such as images.
        num_runs: Measured runs, at least 1.
        flops: Floating-point operations per unit of the amount; 0 for no share.

    Returns:
        figure: "median", "least" and "largest" amount per second; with `flops`
            also "share", "share least" and "share largest" of the rate of the
            matrix product, in [0, 1].
    """
    work()
    rates, shares = [], []
    before = matrix_rate() if flops else 0.0
    for _ in range(num_runs):
        start = time.perf_counter()
        work()
        rates.append(amount / (time.perf_counter() - start))
        if flops:
            after = matrix_rate()
            shares.append(2.0 * rates[-1] * flops / (before + after))
            before = after
    return summarize(rates) | (_share(shares) if flops else {})


def _share(shares: list[float]) -> Figure:
    share = summarize(shares)
    return {
        "share": share["median"],
        "share least": share["least"],
        "share largest": share["largest"],
    }


def growth_exponent(sizes: list[float], costs: list[float]) -> float:
    """Fits cost = constant * size ** exponent; returns the exponent.

    Example:
    >>> round(growth_exponent([10, 100], [3, 300]), 6)
    2.0
    """
    # A power law is a straight line in logarithms.
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
