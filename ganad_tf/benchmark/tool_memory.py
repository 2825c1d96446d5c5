"""Peak memory of the tools by the number of files: it must not grow with it.

Small images and few training steps: what is asked is what the tools keep of
each file, not what a step takes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

from absl import logging

from ganad_tf.benchmark import drawn_parts
from ganad_tf.benchmark import process_memory
from ganad_tf.errors import UserError

# By name, in an order in which each finds what it needs.
COMMANDS = {
    "train": (
        "train_gan.py",
        "--data={data}",
        "--model_dir={folder}/model",
        "--image_size=32",
        "--latent_dim=6",
        "--width=4",
        "--batch_size=8",
        "--num_steps=20",
        "--field_steps=10",
    ),
    "fit": ("fit_detector.py", "--data={data}", "--model_dir={folder}/model"),
    "evaluate": (
        "evaluate_detector.py",
        "--data={data}",
        "--model_dir={folder}/model",
        "--report_dir={folder}/report",
    ),
    "export": (
        "export_saved_model.py",
        "--model_dir={folder}/model",
        "--export_dir={folder}/parts",
    ),
    "score": (
        "score_images.py",
        "--saved_model={folder}/parts",
        "--images={data}",
        "--output={folder}/scores.csv",
    ),
}
# Of all files; the others are for training and calibration.
_SHARE_TESTED = 0.2
_SHARE_DEFECTIVE = 0.1
_CHUNK = 1000  # parts that are drawn at once
_PAUSE = 0.02  # seconds between two looks at a process


class Cost(NamedTuple):
    """What a tool took for a folder."""

    megabytes: float  # largest resident memory
    seconds: float


def measure(tools: str, counts: Sequence[int]) -> dict[str, dict[int, Cost]]:
    """Runs the tools on folders of several sizes, one after the other.

    Args:
        tools: Folder of the tools.
        counts: Numbers of files, at least 100 each.

    Returns:
        costs: By command, then by number of files.

    Raises:
        UserError: If a tool fails.
    """
    costs = {name: {} for name in COMMANDS}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "data")
            write_parts(data, count)
            for name, (tool, *flags) in COMMANDS.items():
                given = [f.format(data=data, folder=folder) for f in flags]
                cost = run([os.path.join(tools, tool), *given])
                costs[name][count] = cost
                logging.info("%d files, %s: %s.", count, name, cost)
    return costs


def write_parts(folder: str, count: int) -> None:
    """Writes different parts in MVTec-AD layout.

    Args:
        folder: It is made.
        count: Number of files.
    """
    tested = round(_SHARE_TESTED * count)
    defective = round(_SHARE_DEFECTIVE * count)
    parts = {
        "train/good": count - tested - defective,
        "test/good": tested,
        "test/scratch": defective,
    }
    for seed, (name, number) in enumerate(parts.items()):
        for start in range(0, number, _CHUNK):
            images = drawn_parts.make_parts(
                min(_CHUNK, number - start), seed=seed * 10**6 + start
            )
            if name == "test/scratch":
                images = drawn_parts.scratch(images)
            drawn_parts.write_images(
                os.path.join(folder, name), images, f"part{start}_"
            )


def run(arguments: Sequence[str]) -> Cost:
    """Runs a tool to its end.

    Args:
        arguments: Its path and flags.

    Returns:
        cost: `Cost`.

    Raises:
        UserError: If it fails; the message ends in its last line.
    """
    with tempfile.TemporaryFile() as errors:
        start, peak = time.monotonic(), 0.0
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        while process.poll() is None:
            # A process that has just ended has no memory any more.
            with contextlib.suppress(OSError, StopIteration):
                peak = process_memory.peak_megabytes(process.pid)
            time.sleep(_PAUSE)
        if process.returncode:
            errors.seek(0)
            *_, last = ["", *errors.read().decode().strip().splitlines()]
            raise UserError(f"{os.path.basename(arguments[0])} fails: {last}")
    return Cost(peak, time.monotonic() - start)


def table(costs: dict[str, dict[int, Cost]]) -> str:
    """The costs of `measure` as a Markdown table.

    Example:
    >>> print(table({"fit": {100: Cost(800.0, 9.0), 900: Cost(840.0, 30.0)}}))
    | peak memory, MB | 100 files | 900 files | last by first |
    |---|---|---|---|
    | fit | 800 | 840 | 1.05 |
    """
    counts = list(next(iter(costs.values())))
    heads = ["peak memory, MB", *(f"{n} files" for n in counts)]
    lines = [[*heads, "last by first"], ["---"] * (len(heads) + 1)]
    for name, by_count in costs.items():
        peaks = [cost.megabytes for cost in by_count.values()]
        numbers = (f"{peak:.0f}" for peak in peaks)
        lines.append([name, *numbers, f"{peaks[-1] / peaks[0]:.2f}"])
    rows = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([rows[0], rows[1].replace(" ", ""), *rows[2:]])
