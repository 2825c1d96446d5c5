"""How the cost of scoring grows with image size, steps and latents.

Each series has the milliseconds per image, from pixels to verdict, and a growth
exponent: cost is proportional to size ** exponent. Image sizes count by their
pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable

from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import timing
from ganad_tf.detector.detector import OneClassDetector

_BATCH_SIZE = 64

Costs = dict[int, timing.Figure]
CostOf = Callable[[OneClassDetector], timing.Figure]


def measure(*, num_runs: int, num_sizes: int) -> dict[str, timing.Figure]:
    """Measures all series.

    Args:
        num_runs: Measured runs of each cost.
        num_sizes: Sizes of each series, 2 or 3, smallest first.

    Returns:
        figures: Costs in ms/image, and a growth exponent of each series.
    """

    def cost(detector):
        return _milliseconds(detector, num_runs)

    return {
        **_image_sizes((32, 64, 128)[:num_sizes], cost),
        **_inversion_steps((10, 30, 100)[:num_sizes], cost),
        **_latent_dims((64, 128, 256)[:num_sizes], cost),
    }


def _milliseconds(detector: OneClassDetector, num_runs: int) -> timing.Figure:
    """Milliseconds per image, in batches, from pixels to verdict."""
    # Noise will do: the number of operations does not depend on the pixels.
    height, width, _ = detector.image_shape
    images = synthetic.noise(_BATCH_SIZE, height, width)
    rate = timing.measure_rate(
        lambda: detector.detect_batches([images]),
        _BATCH_SIZE,
        num_runs=num_runs,
    )
    return {
        "median": 1e3 / rate["median"],
        "least": 1e3 / rate["largest"],
        "largest": 1e3 / rate["least"],
    }


def _series(
    name: str, sizes: Iterable[float], costs: Costs
) -> dict[str, timing.Figure]:
    """Figures by name, and the exponent fitted to them."""
    medians = [cost["median"] for cost in costs.values()]
    exponent = timing.growth_exponent(list(sizes), medians)
    return {
        **{f"{name} {key}, ms/image": cost for key, cost in costs.items()},
        f"{name}, growth exponent": {"median": exponent},
    }


def _image_sizes(sizes: tuple[int, ...], cost: CostOf) -> dict:
    costs = {}
    for size in sizes:
        gan = synthetic.build_gan(image_size=size)
        costs[size] = cost(synthetic.fit_detector(gan))
    return _series("image size", [size**2 for size in sizes], costs)


def _inversion_steps(counts: tuple[int, ...], cost: CostOf) -> dict:
    gan = synthetic.build_gan()
    costs = {
        count: cost(synthetic.fit_detector(gan, num_steps=count))
        for count in counts
    }
    return _series("inversion steps", counts, costs)


def _latent_dims(dims: tuple[int, ...], cost: CostOf) -> dict:
    costs = {}
    for dim in dims:
        gan = synthetic.build_gan(latent_dim=dim)
        costs[dim] = cost(synthetic.fit_detector(gan))
    return _series("latent dimension", dims, costs)
