"""Loads an exported model behind a server with many clients at once.

    python tools/benchmark_serving.py --saved_model=saved_models/solar \
        --num_requests=2000 --num_clients=16

The server is the small double of TensorFlow Serving in tests/, which runs the
model in the same C++ runtime, on this machine; clients and server share its
cores. A tenth of the images is corrupt: every good image must get its right
score and every bad one a reason. Prints one JSON.
"""

import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from absl import flags
from PIL import Image

import cli
from ganad_tf import rest_client
from ganad_tf import serving

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "SavedModel: a version's folder, or that of versions."
)
_NUM_REQUESTS = flags.DEFINE_integer(
    "num_requests", 1000, "Requests of one image a signature.", lower_bound=10
)
_NUM_CLIENTS = flags.DEFINE_integer(
    "num_clients", 16, "Clients at once.", lower_bound=1
)
SIGNATURES = ("score", "serving_default")
_NUM_IMAGES = 60
_DOUBLE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../tests/serving_double.py"
)


def _images(height: int, width: int) -> list[bytes]:
    """Gray PNG images of noise, of which every tenth is corrupt."""
    generator = np.random.default_rng(0)
    images = []
    for row in range(_NUM_IMAGES):
        buffer = io.BytesIO()
        pixels = generator.integers(0, 256, [height, width], np.uint8)
        Image.fromarray(pixels).save(buffer, "PNG")
        data = buffer.getvalue()
        images.append(data[: len(data) // 2] if row % 10 == 5 else data)
    return images


@contextlib.contextmanager
def _server(path: str) -> Iterator[tuple[str, int]]:
    """Address and process id of a server of one version."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.abspath(path), os.path.join(folder, "1"))
        process = subprocess.Popen(
            [sys.executable, _DOUBLE, folder, "model"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            line = process.stdout.readline()
            if not line:
                raise ValueError(
                    'The server did not start: pip install ".[test]" first'
                )
            yield json.loads(line)["rest"], process.pid
        finally:
            process.terminate()
            process.wait()


def _megabytes(process: int, name: str) -> float:
    """Linux' own count: VmRSS is the present memory, VmHWM its peak."""
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) / 1024


def _verdict(row, expected) -> str:
    if isinstance(expected, str):
        return (
            "refused with a reason" if isinstance(row, str) and row else "lost"
        )
    if isinstance(row, str):
        return "lost"
    near = np.isclose(row["anomaly_score"], expected["anomaly_score"], 1e-4, 0)
    return "right score" if near else "wrong score"


def _load(client, signature: str, images, expected, num_requests: int):
    """Seconds and verdict of each request."""

    def ask(row: int) -> tuple[float, str]:
        start = time.perf_counter()
        (found,) = client.score([images[row]], signature=signature)
        return time.perf_counter() - start, _verdict(found, expected[row])

    rows = itertools.islice(itertools.cycle(range(len(images))), num_requests)
    with ThreadPoolExecutor(_NUM_CLIENTS.value) as pool:
        return list(pool.map(ask, rows))


def _summary(answers, seconds: float) -> dict[str, float]:
    latencies = [1000.0 * latency for latency, _ in answers]
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    verdicts = [verdict for _, verdict in answers]
    return {
        "requests/s": len(answers) / seconds,
        "p50, ms": float(p50),
        "p95, ms": float(p95),
        "p99, ms": float(p99),
        **{
            verdict: verdicts.count(verdict)
            for verdict in (
                "right score",
                "refused with a reason",
                "wrong score",
                "lost",
            )
        },
    }


def measure(path: str, num_requests: int) -> dict[str, dict[str, float]]:
    """Figures of each signature, and the server's memory."""
    scorer = serving.SavedModelScorer(path)
    images = _images(*scorer.manifest["image_size"])
    expected = scorer.score(images)
    figures = {}
    with _server(scorer.path) as (address, process):
        client = rest_client.RestClient(address, timeout=60.0, num_retries=2)
        for signature in SIGNATURES:
            load = (client, signature, images, expected)
            _load(*load, 2 * _NUM_IMAGES)  # warms up
            before, start = _megabytes(process, "VmRSS"), time.perf_counter()
            answers = _load(*load, num_requests)
            found = _summary(answers, time.perf_counter() - start)
            found["server before, MB"] = before
            found["server after, MB"] = _megabytes(process, "VmRSS")
            found["server peak, MB"] = _megabytes(process, "VmHWM")
            figures[f"serving, {signature}, {_NUM_CLIENTS.value} clients"] = (
                found
            )
    return figures


def main() -> None:
    if not _SAVED_MODEL.value:
        raise ValueError("Expected --saved_model")
    found = measure(_SAVED_MODEL.value, _NUM_REQUESTS.value)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    cli.run(main)
