"""Kills the tools at random moments, and runs them again.

What a tool has written in the end has to equal what it writes when it is left
alone: bit for bit on one machine, and with nothing left over.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
from absl import logging

from ganad_tf.benchmark import same_results
from ganad_tf.benchmark import tool_process
from ganad_tf.errors import UserError

# A model of 32x32 px that trains in seconds, with several checkpoints.
_SMALL = ("--image_size=32", "--latent_dim=6", "--width=4", "--batch_size=8")
_NO_FIELD = (*_SMALL, "--field_steps=0")


class Command(NamedTuple):
    """A command line, and the one whose results it needs."""

    after: str | None
    tool: str
    flags: tuple[str, ...]  # {data} and {folder} stand for paths


COMMANDS = {
    "train_gan": Command(
        None,
        "train_gan",
        (
            "--data={data}",
            "--model_dir={folder}/model",
            *_SMALL,
            "--num_steps=120",
            "--field_steps=110",
        ),
    ),
    "fit_detector": Command(
        "train_gan",
        "fit_detector",
        ("--data={data}", "--model_dir={folder}/model", "--alpha=0.1"),
    ),
    "evaluate_detector": Command(
        "fit_detector",
        "evaluate_detector",
        (
            "--data={data}",
            "--model_dir={folder}/model",
            "--report_dir={folder}/report",
        ),
    ),
    "export_saved_model": Command(
        "fit_detector",
        "export_saved_model",
        ("--model_dir={folder}/model", "--export_dir={folder}/parts"),
    ),
    "score_images": Command(
        "export_saved_model",
        "score_images",
        (
            "--saved_model={folder}/parts",
            "--images={data}/test",
            "--output={folder}/scores.csv",
            "--maps_dir={folder}/maps",
            "--batch_size=2",
        ),
    ),
    "sweep": Command(
        None,
        "train_gan",
        (
            "--data={data}",
            "--model_dir={folder}/sweep",
            *_NO_FIELD,
            "--num_steps=120",
            "--sweep=learning_rate=1e-4,3e-4",
        ),
    ),
    "evaluate_sets": Command(
        None,
        "evaluate_sets",
        (
            "--sets={data}",
            "--output_dir={folder}/sets",
            "--seeds=0",
            "--alpha=0.1",
            f"--train_flags={','.join(_NO_FIELD)},--num_steps=20",
        ),
    ),
}


class _Trial(NamedTuple):
    is_killed: bool  # false where it had ended before
    moment: float  # seconds after the start
    differences: list[str]


def measure(
    tools: str,
    data: str,
    folder: str,
    *,
    names: Sequence[str] = tuple(COMMANDS),
    num_kills: int = 20,
    seed: int = 0,
    prepare: Callable[[], None] = tool_process.nothing,
) -> dict[str, dict[str, Any]]:
    """Kills each command at moments spread over its uninterrupted run.

    Args:
        tools: Folder of the tools.
        data: Folder of images in MVTec-AD layout.
        folder: Empty folder to work in.
        names: Of `COMMANDS`.
        num_kills: Of each command.
        seed: Of the moments.
        prepare: Function of a module, called in each process before its tool.

    Returns:
        figures: By name: "kills", of which "equal" gave the results of an
            uninterrupted run; "seconds" of such a run; "differences", by the
            second of the kill.

    Raises:
        UserError: If an uninterrupted command fails.
    """
    tool_process.wait_for_server()
    work = _Work(os.path.abspath(tools), data, os.path.abspath(folder), prepare)
    figures = {}
    for number, name in enumerate(names):
        seconds = work.seconds(name)
        shares = np.random.default_rng([seed, number]).uniform(size=num_kills)
        trials = [work.kill(name, share) for share in shares]
        figures[name] = _figures(trials, seconds)
        logging.info("%s: %s.", name, figures[name])
    return figures


def _figures(trials: Sequence[_Trial], seconds: float) -> dict[str, Any]:
    return {
        "runs": len(trials),
        "kills": sum(trial.is_killed for trial in trials),
        "equal": sum(not trial.differences for trial in trials),
        "seconds": round(seconds, 2),
        "differences": {
            f"{trial.moment:.2f} s": trial.differences
            for trial in trials
            if trial.differences
        },
    }


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures of `measure` as a Markdown table.

    Example:
    >>> facts = {"runs": 3, "kills": 2, "equal": 3, "seconds": 1.5}
    >>> print(table({"fit_detector": facts}))
    | command | runs | killed | equal | seconds, uninterrupted |
    |---|---|---|---|---|
    | fit_detector | 3 | 2 | 3 | 1.5 |
    """
    rows = [
        f"| {name} | {facts['runs']} | {facts['kills']} | {facts['equal']} "
        f"| {facts['seconds']:.1f} |"
        for name, facts in figures.items()
    ]
    head = "| command | runs | killed | equal | seconds, uninterrupted |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


class _Work:
    """Folders of results: of each command alone, and of the one under test."""

    def __init__(self, tools: str, data: str, folder: str, prepare):
        self._tools, self._data, self._folder = tools, data, folder
        self._prepare = prepare
        self._seconds: dict[str, float] = {}

    def seconds(self, name: str) -> float:
        """Of the uninterrupted command, which is run here the first time."""
        if name not in self._seconds:
            after = COMMANDS[name].after
            if after is not None:
                self.seconds(after)
            path = self._begin(name, self._expected(name))
            start = time.monotonic()
            if failure := self._run(name, path):
                raise UserError(
                    f"{name} fails when it is left alone: {failure}"
                )
            self._seconds[name] = time.monotonic() - start
        return self._seconds[name]

    def kill(self, name: str, share: float) -> _Trial:
        """Kills a command after a share of its time, and runs it again."""
        moment = share * self._seconds[name]
        path = self._begin(name, os.path.join(self._folder, "killed"))
        start = time.monotonic()
        process = self._start(name, path)
        process.join(moment)
        process.kill()
        process.join()
        if process.exitcode == 0:  # the machine has become faster
            self._seconds[name] = time.monotonic() - start
        failure = self._run(name, path)
        found = [failure] if failure else self._compare(name, path)
        logging.info(
            "%s, killed after %.2f s (%s): %s.",
            name,
            moment,
            process.exitcode,
            found or "equal",
        )
        return _Trial(process.exitcode < 0, moment, found)

    def _expected(self, name: str) -> str:
        return os.path.join(self._folder, f"expected_{name}")

    def _begin(self, name: str, path: str) -> str:
        """A folder as it is before a command."""
        shutil.rmtree(path, ignore_errors=True)
        after = COMMANDS[name].after
        if after is None:
            os.makedirs(os.path.join(path, "tmp"))
        else:
            shutil.copytree(self._expected(after), path)
        return path

    def _start(self, name: str, path: str):
        _, tool, flags = COMMANDS[name]
        given = [f.format(data=self._data, folder=path) for f in flags]
        return tool_process.start(
            [os.path.join(self._tools, f"{tool}.py"), *given],
            outputs=(os.devnull, self._errors()),
            prepare=self._prepare,
            temporary=os.path.join(path, "tmp"),
        )

    def _errors(self) -> str:
        return os.path.join(self._folder, "stderr.txt")

    def _run(self, name: str, path: str) -> str:
        """Runs a command to its end; returns its last line if it fails."""
        open(self._errors(), "wb").close()
        process = self._start(name, path)
        process.join()
        if process.exitcode == 0:
            return ""
        with open(self._errors(), errors="replace") as file:
            *_, last = ["", *file.read().strip().splitlines()]
        return f"exit code {process.exitcode}: {last}"

    def _compare(self, name: str, path: str) -> list[str]:
        if name == "export_saved_model":
            _merge_versions(os.path.join(path, "parts"))
        return same_results.differences(self._expected(name), path)


def _merge_versions(folder: str) -> None:
    """Keeps the first of equal versions; what differs is seen as left over.

    An export that was killed after its version was published writes another.
    """
    first = os.path.join(folder, "1")
    second = os.path.join(folder, "2")
    if os.path.isdir(second) and not same_results.differences(first, second):
        shutil.rmtree(second)
