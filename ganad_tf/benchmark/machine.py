"""The ceilings of the machine, against which all other figures are set."""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import timing
from ganad_tf.data import image_tensors
from ganad_tf.version import versions

_NUM_PNGS = 2000
_COPIED_BYTES = 2**28


def describe() -> timing.Figure:
    """Cores, versions and present load: a busy machine gives no records."""
    return {
        "cores": os.cpu_count(),
        "load at the start": os.getloadavg()[0],
        **versions(),
    }


def measure(num_runs: int) -> dict[str, timing.Figure]:
    """Rates of matrix products, PNG decoding and memory copies.

    Where bfloat16 is not faster than float32, the processor has no
    instructions for it, and mixed precision would make everything slower.

    Args:
        num_runs: Measured runs of each rate.

    Returns:
        figures: "median", "least" and "largest" by name and unit.
    """
    return {
        "matrix product, float32, GFLOP/s": _matrix_product(
            tf.float32, 2048, num_runs
        ),
        # Without instructions for it, a larger one would take minutes.
        "matrix product, bfloat16, GFLOP/s": _matrix_product(
            tf.bfloat16, 1024, num_runs
        ),
        "PNG decoding, 64x64, images/s": _decoding(num_runs),
        "memory copy, GB/s": _memory_copy(num_runs),
    }


def _matrix_product(dtype: tf.DType, side: int, num_runs: int) -> timing.Figure:
    rates = [timing.matrix_rate(dtype, side) / 1e9 for _ in range(1 + num_runs)]
    return timing.summarize(rates[1:])  # the first one is warming up


def _decoding(num_runs: int) -> timing.Figure:
    """From PNG bytes in memory to 64x64 float32 images, on all cores."""
    png = next(synthetic.noise_pngs(1))
    dataset = tf.data.Dataset.from_tensors(png).repeat(_NUM_PNGS)
    dataset = dataset.map(
        lambda data: image_tensors.decode_image(data, channels=1),
        num_parallel_calls=tf.data.AUTOTUNE,
    ).batch(64)
    return timing.measure_rate(
        lambda: list(dataset), _NUM_PNGS, num_runs=num_runs
    )


def _memory_copy(num_runs: int) -> timing.Figure:
    source = np.ones(_COPIED_BYTES, np.uint8)
    target = np.empty_like(source)
    return timing.measure_rate(
        lambda: np.copyto(target, source),
        _COPIED_BYTES / 1e9,
        num_runs=num_runs,
    )
