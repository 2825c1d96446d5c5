"""Loads an exported model behind a server with many clients at once.

Clients and server share this machine. A tenth of the images is corrupt: every
good image must get its right score and every bad one a reason. New versions of
the model may appear meanwhile.
"""

from __future__ import annotations

import collections
import itertools
import time
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

import numpy as np
from absl import logging

from ganad_tf.benchmark import server_process
from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import timing
from ganad_tf.serving.rest_client import RestClient
from ganad_tf.serving.saved_model import SavedModelScorer

_NUM_IMAGES = 60
_NUM_MEMORY_SAMPLES = 10
_SCORE_TOLERANCE = 1e-4  # relative
_CORRUPTIONS = (
    lambda data: data[: len(data) // 2],
    lambda data: data[:20] + bytes(len(data) - 20),
    lambda _: b"not an image",
    lambda _: b"",
)
RIGHT, REFUSED, WRONG, LOST = VERDICTS = (
    "right score",
    "refused with a reason",
    "wrong score",
    "lost",
)


class LoadPlan(NamedTuple):
    """What the clients do to each signature."""

    num_requests: int = 1000  # of one image each
    num_clients: int = 16  # at once
    signatures: tuple[str, ...] = ("score", "serving_default")  # one by one
    seconds: float = 0.0  # to spread the requests over; 0: as fast as possible
    num_swaps: int = 0  # new versions of the model meanwhile


class Answer(NamedTuple):
    """What came of one request."""

    seconds: float  # from the moment it was due
    verdict: str  # one of `VERDICTS`


def measure(saved_model: str, plan: LoadPlan) -> dict[str, timing.Figure]:
    """Loads each signature of a model.

    Args:
        saved_model: Folder of a SavedModel's version, or of its versions.
        plan: `LoadPlan`.

    Returns:
        figures: Of each signature: requests/s, quantiles of the latency in ms,
            counts of `VERDICTS`, the version that answers in the end, and the
            server's memory in MB, over time and at its peak.
    """
    scorer = SavedModelScorer(saved_model)
    images = make_images(*scorer.manifest["image_size"])
    expected = scorer.score(images)
    with server_process.start(scorer.path) as server:
        return {
            f"serving, {signature}, {plan.num_clients} clients": _Load(
                server, signature, images, expected, plan
            ).measure()
            for signature in plan.signatures
        }


def make_images(height: int, width: int) -> list[bytes]:
    """Gray PNG images of noise, of which every tenth is corrupt."""
    corruptions = itertools.cycle(_CORRUPTIONS)
    images = synthetic.noise_pngs(_NUM_IMAGES, height, width)
    return [
        next(corruptions)(data) if row % 10 == 5 else data
        for row, data in enumerate(images)
    ]


def judge(answer: Any, expected: dict[str, Any] | str) -> str:
    """Compares an answer with what is expected.

    Args:
        answer: The row of an image, the reason of a refusal, or an exception.
        expected: The row, or the reason of a refusal.

    Returns:
        verdict: One of `VERDICTS`.
    """
    if isinstance(expected, str):
        return REFUSED if isinstance(answer, str) and answer else LOST
    if not isinstance(answer, dict):
        return LOST
    is_right = np.isclose(
        answer["anomaly_score"],
        expected["anomaly_score"],
        rtol=_SCORE_TOLERANCE,
        atol=0,
    )
    return RIGHT if is_right else WRONG


class _Load:
    """The load of one signature."""

    def __init__(
        self,
        server: server_process.ServerProcess,
        signature: str,
        images: Sequence[bytes],
        expected: Sequence[dict[str, Any] | str],
        plan: LoadPlan,
    ):
        self._server, self._signature = server, signature
        self._images, self._expected = images, expected
        self._plan = plan
        # A retry would hide a request that the server loses.
        self._client = RestClient(server.address, timeout=60.0, num_retries=0)

    def measure(self) -> timing.Figure:
        count = self._plan.num_requests
        swaps = _evenly(self._plan.num_swaps, count)
        samples = _evenly(_NUM_MEMORY_SAMPLES, count)
        self._warm_up()
        answers, memory, start = [], [], time.perf_counter()
        for number, answer in enumerate(
            self._ask_all(count, self._plan.seconds / count)
        ):
            answers.append(answer)
            if number in swaps:
                self._server.publish()
            if number in samples:
                memory.append(round(self._server.present_megabytes(), 1))
                logging.info("%d of %d requests.", number, count)
        return {
            **_summarize(answers, time.perf_counter() - start),
            "version": self._server.version(),
            "server memory, MB": memory,
            "server peak, MB": self._server.peak_megabytes(),
        }

    def _warm_up(self) -> None:
        collections.deque(self._ask_all(2 * len(self._images), 0.0), maxlen=0)

    def _ask_all(self, count: int, interval: float) -> Iterator[Answer]:
        """Yields answers in the order of requests, as they arrive."""
        start = time.perf_counter()

        def ask(number: int) -> Answer:
            due = start + interval * number
            time.sleep(max(0.0, due - time.perf_counter()))
            # A late request counts from when it was due: clients that wait
            # for a slow server must not make it look fast.
            sent = due if interval else time.perf_counter()
            row = number % len(self._images)
            answer = self._ask(self._images[row])
            seconds = time.perf_counter() - sent
            return Answer(seconds, judge(answer, self._expected[row]))

        with ThreadPoolExecutor(self._plan.num_clients) as pool:
            yield from pool.map(ask, range(count))

    def _ask(self, image: bytes) -> dict[str, Any] | str | Exception:
        """The row of an image, why there is none, or the error of a loss."""
        try:
            return self._client.score([image], signature=self._signature)[0]
        except (OSError, ValueError) as error:
            logging.warning("Lost a request: %s.", error)
            return error


def _evenly(parts: int, count: int) -> set[int]:
    """The middles of `parts` equal parts of the numbers below `count`."""
    return {(2 * part + 1) * count // (2 * parts) for part in range(parts)}


def _summarize(answers: list[Answer], seconds: float) -> timing.Figure:
    latencies = [1000.0 * answer.seconds for answer in answers]
    quantiles = np.percentile(latencies, [50, 95, 99])
    names = ("p50, ms", "p95, ms", "p99, ms")
    verdicts = [answer.verdict for answer in answers]
    return {
        "requests/s": len(answers) / seconds,
        **dict(zip(names, map(float, quantiles), strict=True)),
        **{verdict: verdicts.count(verdict) for verdict in VERDICTS},
    }
