"""Measures the machine's own ceilings, against which all else is set.

    python tools/benchmark_machine.py --num_runs=5

prints one JSON: the rate of a matrix product in float32 and bfloat16, of
decoding small PNG images, and of copying memory. Where bfloat16 is not faster
than float32, the CPU has no instructions for it and mixed precision would
cost, not give.
"""

import io

import cli  # before TensorFlow

# isort: split
import numpy as np
import tensorflow as tf
from PIL import Image

import benchmark_cli
from ganad_tf.data import image_tensors

_NUM_PNGS = 2000
_COPIED_BYTES = 2**28


def _matrix_product(dtype: tf.DType, side: int) -> benchmark_cli.Figure:
    rates = [
        benchmark_cli.matrix_rate(dtype, side) / 1e9
        for _ in range(1 + benchmark_cli.num_runs())
    ]
    return benchmark_cli.spread(rates[1:])  # the first one is warming up


def _decoding() -> benchmark_cli.Figure:
    """From PNG bytes in memory to 64x64 float32 images, on all cores."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, [64, 64], np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    dataset = tf.data.Dataset.from_tensors(buffer.getvalue()).repeat(_NUM_PNGS)
    dataset = dataset.map(
        lambda data: image_tensors.decode_image(data, channels=1),
        num_parallel_calls=tf.data.AUTOTUNE,
    ).batch(64)
    return benchmark_cli.measure(lambda: list(dataset), _NUM_PNGS)


def _memory_copy() -> benchmark_cli.Figure:
    source = np.ones(_COPIED_BYTES, np.uint8)
    target = np.empty_like(source)
    return benchmark_cli.measure(
        lambda: np.copyto(target, source), _COPIED_BYTES / 1e9
    )


def measure() -> dict[str, benchmark_cli.Figure]:
    """Returns the ceilings by name."""
    return {
        "matrix product, float32, GFLOP/s": _matrix_product(tf.float32, 2048),
        # Without instructions for it, a larger one would take minutes.
        "matrix product, bfloat16, GFLOP/s": _matrix_product(tf.bfloat16, 1024),
        "PNG decoding, 64x64, images/s": _decoding(),
        "memory copy, GB/s": _memory_copy(),
    }


if __name__ == "__main__":
    cli.run(lambda: benchmark_cli.print_json(measure()))
