"""Broken files on every way to a score: what crashes, and what has a reason.

Every file takes the ways of the tools: the scan before a training run, the
scoring of a folder, the SavedModel itself, and a server. Good images lie
between the broken ones: their scores must not change.
"""

from __future__ import annotations

import collections
import itertools
import os
import re
import tempfile
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import logging

from ganad_tf.benchmark import mutations
from ganad_tf.benchmark import process_memory
from ganad_tf.benchmark import serving_double
from ganad_tf.benchmark import synthetic
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.serving import score_files
from ganad_tf.serving.rest_client import RestClient
from ganad_tf.serving.saved_model import SavedModelScorer

_CHUNK = 500  # files that lie on the disk at the same time
_BETWEEN = 9  # broken files from one good image to the next
# Seconds until an answer counts as lost: a busy machine is slow, which is no
# crash, and a file that hangs the server hangs it for longer.
_TIMEOUT = 900.0
_TOLERANCE = 1e-4  # relative, of a neighbour's score
OK = "ok"
# What came of a file: "ok" and its score, or a reason.
Outcome = tuple[str, float | None]


def measure(
    saved_model: str, num_files: int, *, seed: int = 0, direct_every: int = 1
) -> dict[str, Any]:
    """Sends broken files on all ways.

    Args:
        saved_model: Folder of a SavedModel's version, or of its versions.
        num_files: Broken files.
        seed: Of the files.
        direct_every: One of so many files is also sent undecoded to the
            SavedModel and to the server, which takes longest.

    Returns:
        figures: For each way the counts of `OK` and of each reason,
            "crashes" and "changed neighbours", both lists that should be
            empty; and by how much the memory grew after the first files, MB.
    """
    scorer = SavedModelScorer(saved_model)
    good = next(synthetic.noise_pngs(1, *scorer.manifest["image_size"]))
    expected = scorer.score([good])[0]["anomaly_score"]
    with (
        tempfile.TemporaryDirectory() as base_path,
        _serve(scorer.path, base_path) as server,
    ):
        client = RestClient(server.rest, timeout=_TIMEOUT, num_retries=0)
        run = _Run(scorer, client, good, float(expected), direct_every)
        return run.measure(num_files, seed)


def _serve(path: str, base_path: str):
    os.symlink(os.path.abspath(path), os.path.join(base_path, "1"))
    return serving_double.serve(base_path, "model")


class _Run:
    """The ways, and what came of the files on each."""

    def __init__(self, scorer, client, good, expected, direct_every):
        self._scorer, self._client = scorer, client
        self._good, self._expected = good, expected
        self._direct_every = direct_every
        self._counts = collections.defaultdict(collections.Counter)
        self._crashes: list[str] = []
        self._changed: list[str] = []

    def measure(self, num_files: int, seed: int) -> dict[str, Any]:
        files = mutations.mutations(num_files, seed=seed)
        memory = []
        for chunk in iter(lambda: list(itertools.islice(files, _CHUNK)), []):
            self._send(self._with_neighbours(chunk))
            memory.append(process_memory.peak_megabytes())
            logging.info(
                "%d files, %d crashes, %d changed neighbours, peak of the "
                "memory %d MB.",
                _CHUNK * len(memory),
                len(self._crashes),
                len(self._changed),
                memory[-1],
            )
        return {
            "ways": {
                way: dict(c.most_common()) for way, c in self._counts.items()
            },
            "crashes": self._crashes,
            "changed neighbours": self._changed,
            "memory growth, MB": memory[-1] - memory[0],
        }

    def _with_neighbours(self, files: Sequence[bytes]) -> list[bytes]:
        mixed = [self._good]
        for start in range(0, len(files), _BETWEEN):
            mixed += [*files[start : start + _BETWEEN], self._good]
        return mixed

    def _send(self, files: list[bytes]) -> None:
        direct = files[:: self._direct_every]
        with tempfile.TemporaryDirectory() as folder:
            paths = _write(folder, files)
            self._take("scan", files, lambda: _scan(folder))
            self._take(
                "score_images", files, lambda: self._score(folder, paths)
            )
        self._take("SavedModel", direct, lambda: _rows(self._scorer, direct))
        self._take("server", direct, lambda: _rows(self._client, direct))

    def _score(self, folder: str, paths: list[str]) -> list[Outcome]:
        output = os.path.join(folder, "scores.csv")
        rows = score_files.score_images(self._scorer, paths, output)
        return [(row.status, row.anomaly_score) for row in rows]

    def _take(
        self, way: str, files: list[bytes], work: Callable[[], list[Outcome]]
    ) -> None:
        """Counts what came of files; an exception is a crash."""
        try:
            outcomes = work()
        except Exception as error:  # all of them are what is looked for
            logging.exception("%s has crashed.", way)
            self._crashes.append(f"{way}: {type(error).__name__}: {error}")
            return
        for data, (status, score) in zip(files, outcomes, strict=True):
            self._counts[way][re.sub(r"\d+", "N", status)] += 1
            if data is self._good and not self._is_unchanged(status, score):
                self._changed.append(f"{way}: {status}, {score}")

    def _is_unchanged(self, status: str, score: float | None) -> bool:
        if status != OK or score is None:
            return status == OK
        return bool(np.isclose(score, self._expected, rtol=_TOLERANCE, atol=0))


def _write(folder: str, files: Sequence[bytes]) -> list[str]:
    paths = []
    for row, data in enumerate(files):
        paths.append(os.path.join(folder, f"{row:05d}.png"))
        with open(paths[-1], "wb") as file:
            file.write(data)
    return paths


def _scan(folder: str) -> list[Outcome]:
    files = dataset.scan_images(
        dataset.list_images(folder), check=image_tensors.check_decodes
    )
    return [(file.status, None) for file in files]


def _rows(scorer, files: list[bytes]) -> list[Outcome]:
    """What a scorer answers, a few files at a time."""
    rows = []
    for start in range(0, len(files), 4):
        rows += scorer.score(files[start : start + 4])
    return [
        (row, None) if isinstance(row, str) else (OK, row["anomaly_score"])
        for row in rows
    ]
