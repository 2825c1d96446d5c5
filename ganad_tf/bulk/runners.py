"""Runners of Beam: which one a pipeline runs on, and how a run ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from collections.abc import Iterator

import apache_beam as beam
from absl import logging
from apache_beam.options.pipeline_options import PipelineOptions

from ganad_tf.errors import UserError

# Beam's own choice, `DirectRunner`, first tries to fetch a program.
_HERE = {
    "runner": "FnApiRunner",
    "direct_running_mode": "multi_processing",
    "direct_num_workers": max(2, (os.cpu_count() or 1) // 2),
    # Below, each worker tells of its ports and threads.
    "default_sdk_harness_log_level": "ERROR",
}

_WORKER_IS_GONE = "Channel closed prematurely"


def runner_options(arguments: list[str]) -> PipelineOptions:
    """The runner that flags choose; several processes here by default.

    Args:
        arguments: Beam's flags, such as `--runner=FlinkRunner`.

    Returns:
        options: Of Beam.

    Raises:
        UserError: If the run is here and a flag is unknown.
    """
    if any(a.partition("=")[0] == "--runner" for a in arguments):
        return PipelineOptions(arguments)
    defaults = [f"--{name}={value}" for name, value in _HERE.items()]
    options = PipelineOptions([*defaults, *arguments])
    known = options.get_all_options(retain_unknown_options=False)
    for argument in arguments:
        name = argument.partition("=")[0]
        if name.removeprefix("--") not in known:
            raise UserError(
                f"unexpected argument {argument!r}: neither a flag of this "
                "tool nor of Beam; flags are --name=value"
            )
    return options


def run(
    options: PipelineOptions, build: Callable[[beam.Pipeline], None]
) -> None:
    """Runs a pipeline to its end, and logs its counters.

    Args:
        options: Of Beam.
        build: Adds the steps to a pipeline.

    Raises:
        UserError: If Beam refuses its flags, or a worker process here dies.
    """
    try:
        pipeline = beam.Pipeline(options=options)
    except ValueError as error:  # Beam knows no such runner, or no such flag
        raise UserError(f"Beam refuses its flags: {error}") from error
    build(pipeline)
    with _dead_workers():
        result = pipeline.run()
        result.wait_until_finish()
    try:
        counters = result.metrics().query()["counters"]
    except NotImplementedError:  # by Beam's Dask runner
        return
    for counter in counters:
        if counter.key.metric.namespace == "ganad_tf":
            name, count = counter.key.metric.name, counter.result
            logging.info("Beam's counter %s: %d.", name, count)


@contextlib.contextmanager
def _dead_workers() -> Iterator[None]:
    """Says what to do where Beam says that a worker here is gone.

    A cluster gives the work of a dead worker to another one; the processes of
    this machine are not replaced.
    """
    try:
        yield
    except RuntimeError as error:
        if _WORKER_IS_GONE not in str(error):
            raise
        raise UserError(
            "A worker process has died: it was killed, or memory was short "
            "(--direct_num_workers). Run the same command again"
        ) from error
