"""What the benchmark's programs share: runs, ceilings, synthetic data.

The machine may be shared and its clock may vary, so the matrix product, the
ceiling of everything here, is measured before and after each single run, and
a share of the ceiling is that of its own moment.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import time
from collections.abc import Callable

import cli  # noqa: F401, before TensorFlow

# isort: split
import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image

from ganad_tf.detector import detector
from ganad_tf.training import building
from ganad_tf.training import loop
from ganad_tf.training.configuration import TrainingConfig

_NUM_RUNS = flags.DEFINE_integer(
    "num_runs", 5, "Runs of which the median is taken.", lower_bound=1
)
QUICK = flags.DEFINE_bool(
    "quick", False, "Two runs, small sizes: a minute, to see that it works."
)
_product = tf.function(tf.matmul, reduce_retracing=True)

# A figure has numbers by name.
Figure = dict[str, float]


def matrix_rate(dtype: tf.DType = tf.float32, side: int = 2048) -> float:
    """Floating-point operations a second of one large matrix product."""
    matrix = tf.ones([side, side], dtype)
    start = time.perf_counter()
    _product(matrix, matrix)[0, 0].numpy()
    return 2 * side**3 / (time.perf_counter() - start)


def num_runs() -> int:
    """Runs of which a median is taken."""
    return 2 if QUICK.value else _NUM_RUNS.value


def spread(values: list[float]) -> Figure:
    """Median, least and largest."""
    return {
        "median": statistics.median(values),
        "least": min(values),
        "largest": max(values),
    }


def measure(
    work: Callable[[], object], amount: float, *, flops: float = 0.0
) -> Figure:
    """Amount a second of some work, over several runs.

    Args:
        work: What to run; it returns when all is done. Run once before.
        amount: How much one run does.
        flops: Floating-point operations of one of the amount; 0 for no share.

    Returns:
        figure: "median", "least", "largest" amount a second; with `flops`
            also "share" and its spread: of the matrix product's rate, which is
            measured before and after each run.
    """
    work()  # traces and warms up
    rates, shares = [], []
    before = matrix_rate() if flops else 0.0
    for _ in range(num_runs()):
        start = time.perf_counter()
        work()
        rates.append(amount / (time.perf_counter() - start))
        if flops:
            after = matrix_rate()
            shares.append(2.0 * rates[-1] * flops / (before + after))
            before = after
    found = spread(rates)
    if flops:
        share = spread(shares)
        found |= {"share": share["median"], "share least": share["least"]}
        found |= {"share largest": share["largest"]}
    return found


def growth_exponent(sizes: list[float], costs: list[float]) -> float:
    """The slope of the logarithm of the cost over that of the size."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def noise(count: int, height: int = 64, width: int = 64) -> np.ndarray:
    """Gray images (count, height, width, 1) of uniform noise in [-1, 1]."""
    generator = np.random.default_rng(0)
    values = generator.uniform(-1, 1, [count, height, width, 1])
    return values.astype(np.float32)


def write_pngs(folder: str, count: int) -> list[str]:
    """Writes gray 64x64 images of noise; returns their paths."""
    generator = np.random.default_rng(0)
    paths = [os.path.join(folder, f"{row:06d}.png") for row in range(count)]
    for path in paths:
        buffer = io.BytesIO()
        pixels = generator.integers(0, 256, [64, 64], np.uint8)
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        with open(path, "wb") as file:
            file.write(buffer.getvalue())
    return paths


def build_gan(**changes):
    """A GAN of the defaults for aligned gray images, its head on noise.

    Noise has no mirror images worth fitting the head to.
    """
    values = {
        "method": "joint",
        "image_size": 64,
        "channels": 1,
        "aligned": True,
        "latent_dim": 256,
        "width": 16,
        "num_steps": 10**6,
        "horizontal_flip": False,
        "vertical_flip": False,
    }
    config = TrainingConfig(**{**values, **changes})
    gan = building.build_gan(config)
    size = config.image_size
    loop.fit_linear_head(gan, noise(300, size, size), config)
    return gan


def fit_detector(gan, *, grid=None, **inversion) -> detector.OneClassDetector:
    """A detector of the defaults, fitted to noise."""
    made = detector.for_method(
        gan,
        method="joint",
        aligned=grid is None,
        alpha=0.2 if grid else 0.05,
        grid=grid,
        **inversion,
    )
    count = 8 if grid else 64
    height, width, _ = made.image_shape
    return made.fit(
        [noise(count, height, width)], [noise(count, height, width)]
    )


def print_json(figures: dict[str, Figure]) -> None:
    """Prints figures as one JSON."""
    print(json.dumps(figures, indent=2))
