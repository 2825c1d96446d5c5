"""Measures how the cost of scoring grows with size, steps and latents.

    python tools/benchmark_growth.py --num_runs=5

prints one JSON: milliseconds an image, from pixels to verdict, for several
image sizes (whole, and large ones in tiles), numbers of inversion steps and
lengths of the latent, each with the fitted growth exponent: the slope of the
logarithm of the cost over that of the size. Image sizes count by their pixels.
"""

from collections.abc import Iterable

import benchmark_cli
import cli
from ganad_tf.data import tiles

_BATCH = 64


def _milliseconds(fitted, batch: int = _BATCH) -> benchmark_cli.Figure:
    """An image's, in batches, from pixels to verdict."""
    height, width, _ = fitted.image_shape
    images = benchmark_cli.noise(batch, height, width)
    found = benchmark_cli.measure(
        lambda: fitted.detect_batches([images]), batch
    )
    return {
        "median": 1e3 / found["median"],
        "least": 1e3 / found["largest"],
        "largest": 1e3 / found["least"],
    }


def _series(name: str, sizes: Iterable[float], costs: dict) -> dict:
    """Figures by name, and the exponent fitted to them."""
    medians = [cost["median"] for cost in costs.values()]
    exponent = benchmark_cli.growth_exponent(list(sizes), medians)
    return {
        **{f"{name} {key}, ms/image": cost for key, cost in costs.items()},
        f"{name}, growth exponent": {"median": exponent},
    }


def _few(values: tuple[int, ...]) -> tuple[int, ...]:
    """The first two of the sizes where it has to be quick."""
    return values[:2] if benchmark_cli.QUICK.value else values


def _image_sizes() -> dict[str, benchmark_cli.Figure]:
    sizes = _few((32, 64, 128))
    costs = {}
    for size in sizes:
        gan = benchmark_cli.build_gan(image_size=size)
        fitted = benchmark_cli.fit_detector(gan)
        costs[size] = _milliseconds(fitted)
    return _series("image size", [size**2 for size in sizes], costs)


def _tiled_sizes() -> dict[str, benchmark_cli.Figure]:
    gan = benchmark_cli.build_gan(image_size=16, aligned=False, latent_dim=64)
    sizes = _few((128, 256, 512))
    costs = {}
    for size in sizes:
        grid = tiles.TileGrid(size, size, tile_size=16, stride=8)
        fitted = benchmark_cli.fit_detector(gan, grid=grid)
        costs[size] = _milliseconds(fitted, batch=4)
    return _series("tiled image size", [size**2 for size in sizes], costs)


def _steps(gan) -> dict[str, benchmark_cli.Figure]:
    steps = _few((10, 30, 100))
    costs = {
        count: _milliseconds(benchmark_cli.fit_detector(gan, num_steps=count))
        for count in steps
    }
    return _series("inversion steps", steps, costs)


def _latent_dims() -> dict[str, benchmark_cli.Figure]:
    dims = _few((64, 128, 256))
    costs = {}
    for dim in dims:
        gan = benchmark_cli.build_gan(latent_dim=dim)
        costs[dim] = _milliseconds(benchmark_cli.fit_detector(gan))
    return _series("latent dimension", dims, costs)


def measure() -> dict[str, benchmark_cli.Figure]:
    """Returns all series by name."""
    return {
        **_image_sizes(),
        **_tiled_sizes(),
        **_steps(benchmark_cli.build_gan()),
        **_latent_dims(),
    }


if __name__ == "__main__":
    cli.run(lambda: benchmark_cli.print_json(measure()))
