"""Loads an exported model behind a server with many clients at once.

    python tools/benchmark_serving.py --saved_model=saved_models/solar \
        --num_requests=2000 --num_clients=16

The server is the small double of TensorFlow Serving in tests/, which runs the
model in the same C++ runtime, on this machine; clients and server share its
cores. A tenth of the images is corrupt: every good image must get its right
score and every bad one a reason. Prints one JSON.

    python tools/benchmark_serving.py --saved_model=saved_models/solar \
        --signatures=score --num_requests=10000 --seconds=600 --num_swaps=3

spreads the requests over ten minutes, in which three new versions appear.
"""

import collections
import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

import numpy as np
from absl import flags
from absl import logging
from PIL import Image

import cli
from ganad_tf.serving import rest_client
from ganad_tf.serving import saved_model as serving

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "SavedModel: a version's folder, or that of versions."
)
_NUM_REQUESTS = flags.DEFINE_integer(
    "num_requests", 1000, "Requests of one image a signature.", lower_bound=10
)
_NUM_CLIENTS = flags.DEFINE_integer(
    "num_clients", 16, "Clients at once.", lower_bound=1
)
_SIGNATURES = flags.DEFINE_list(
    "signatures", ["score", "serving_default"], "Signatures, one by one."
)
_SECONDS = flags.DEFINE_float(
    "seconds",
    0.0,
    "Spread the requests of a signature evenly over so many seconds; a "
    "latency then counts from the moment a request is due. 0: each client "
    "asks again as soon as it is answered.",
    lower_bound=0.0,
)
_NUM_SWAPS = flags.DEFINE_integer(
    "num_swaps",
    0,
    "New versions of the model that appear while the clients of a signature "
    "ask, evenly spread over the requests.",
    lower_bound=0,
)
_NUM_IMAGES = 60
_CORRUPTIONS = (
    lambda data: data[: len(data) // 2],
    lambda data: data[:20] + bytes(len(data) - 20),
    lambda _: b"not an image",
    lambda _: b"",
)
_DOUBLE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../tests/serving_double.py"
)


def _images(height: int, width: int) -> list[bytes]:
    """Gray PNG images of noise, of which every tenth is corrupt."""
    generator = np.random.default_rng(0)
    corruptions = itertools.cycle(_CORRUPTIONS)
    images = []
    for row in range(_NUM_IMAGES):
        buffer = io.BytesIO()
        pixels = generator.integers(0, 256, [height, width], np.uint8)
        Image.fromarray(pixels).save(buffer, "PNG")
        data = buffer.getvalue()
        images.append(next(corruptions)(data) if row % 10 == 5 else data)
    return images


class _Server(NamedTuple):
    """A server of a model's newest version."""

    address: str
    process: int
    folder: str  # of the versions
    path: str  # what each version is

    def publish(self) -> None:
        """Adds a version; the server takes it as soon as it sees it."""
        version = str(len(os.listdir(self.folder)) + 1)
        os.symlink(self.path, os.path.join(self.folder, version))

    def version(self) -> int:
        """The version that answers."""
        with urllib.request.urlopen(self.address) as answer:
            (status,) = json.load(answer)["model_version_status"]
        return int(status["version"])

    def megabytes(self, name: str) -> float:
        """Linux' own count: VmRSS is the present memory, VmHWM its peak."""
        path = f"/proc/{self.process}/status"
        with open(path, encoding="ascii") as file:
            line = next(line for line in file if line.startswith(name))
        return int(line.split()[1]) / 1024


@contextlib.contextmanager
def _server(path: str) -> Iterator[_Server]:
    """Starts a server of one version."""
    path = os.path.abspath(path)
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(path, os.path.join(folder, "1"))
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
            yield _Server(json.loads(line)["rest"], process.pid, folder, path)
        finally:
            process.terminate()
            process.wait()


def _verdict(row, expected) -> str:
    if isinstance(expected, str):
        return (
            "refused with a reason" if isinstance(row, str) and row else "lost"
        )
    if not isinstance(row, dict):
        return "lost"
    near = np.isclose(row["anomaly_score"], expected["anomaly_score"], 1e-4, 0)
    return "right score" if near else "wrong score"


def _load(server, signature: str, images, expected, count: int, interval=0.0):
    """Seconds and verdict of each request, in order."""
    client = rest_client.RestClient(server.address, timeout=60.0, num_retries=0)
    start = time.perf_counter()

    def ask(number: int) -> tuple[float, str]:
        due = start + interval * number
        time.sleep(max(0.0, due - time.perf_counter()))
        sent = due if interval else time.perf_counter()
        row = number % len(images)
        found = _answer(client, images[row], signature)
        return time.perf_counter() - sent, _verdict(found, expected[row])

    with ThreadPoolExecutor(_NUM_CLIENTS.value) as pool:
        yield from pool.map(ask, range(count))


def _answer(client, data: bytes, signature: str):
    """The row of an image, the reason why there is none, or an error."""
    try:
        return client.score([data], signature=signature)[0]
    except (OSError, ValueError) as error:
        logging.warning("Lost a request: %s.", error)
        return error


def _evenly(parts: int, count: int) -> set[int]:
    """The middles of so many equal parts of the numbers below `count`."""
    return {(2 * part + 1) * count // (2 * parts) for part in range(parts)}


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


def _measure(server: _Server, signature: str, images, expected, count: int):
    """Figures of one signature; new versions appear meanwhile."""
    load = (server, signature, images, expected)
    collections.deque(_load(*load, 2 * _NUM_IMAGES), maxlen=0)  # warms up
    swaps, samples = _evenly(_NUM_SWAPS.value, count), _evenly(10, count)
    answers, memory, start = [], [], time.perf_counter()
    found = _load(*load, count, interval=_SECONDS.value / count)
    for number, answer in enumerate(found):
        answers.append(answer)
        if number in swaps:
            server.publish()
        if number in samples:
            memory.append(round(server.megabytes("VmRSS"), 1))
            logging.info("%d of %d requests.", number, count)
    return {
        **_summary(answers, time.perf_counter() - start),
        "version": server.version(),
        "server memory, MB": memory,
        "server peak, MB": server.megabytes("VmHWM"),
    }


def measure(path: str, num_requests: int) -> dict[str, dict[str, Any]]:
    """Figures of each signature, and the server's memory."""
    scorer = serving.SavedModelScorer(path)
    images = _images(*scorer.manifest["image_size"])
    expected = scorer.score(images)
    with _server(scorer.path) as server:
        return {
            f"serving, {signature}, {_NUM_CLIENTS.value} clients": _measure(
                server, signature, images, expected, num_requests
            )
            for signature in _SIGNATURES.value
        }


def main() -> None:
    if not _SAVED_MODEL.value:
        raise ValueError("Expected --saved_model")
    found = measure(_SAVED_MODEL.value, _NUM_REQUESTS.value)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    cli.run(main)
