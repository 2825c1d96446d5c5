"""Distribution: the devices and hosts that train together.

Several devices of one host share a batch by `MirroredStrategy`, those of
several hosts by `MultiWorkerMirroredStrategy`; `TF_CONFIG` names the hosts, as
everywhere in TensorFlow. The chief (worker 0) alone writes.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import json
import os
import re
from collections.abc import Iterable
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from ganad_tf import replicas
from ganad_tf.errors import UserError

# What TensorFlow raises where another host has ended.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


@functools.cache
def open_strategy(devices: tuple[str, ...] = ()) -> tf.distribute.Strategy:
    """The strategy of a training run; once in a process.

    Args:
        devices: Of this host, such as ("GPU:0", "GPU:1"); all of one kind. By
            default all GPUs that TensorFlow sees, or else the CPU.
            "CPU:0" and "CPU:1" divide the CPU.

    Returns:
        strategy: TensorFlow's default one for one device of one host.

    Raises:
        UserError: If there are no such devices, it is too late to choose, or
            TF_CONFIG is not JSON.
    """
    num_devices, kind = _choose(devices)
    if _cluster():
        return tf.distribute.MultiWorkerMirroredStrategy()
    if num_devices == 1:
        return tf.distribute.get_strategy()
    names = [f"{kind}:{index}" for index in range(num_devices)]
    return tf.distribute.MirroredStrategy(names)


def _choose(devices: tuple[str, ...]) -> tuple[int, str]:
    """Leaves TensorFlow these devices alone; returns number and kind."""
    gpus = tf.config.list_physical_devices("GPU")
    if not devices:
        return max(len(gpus), 1), "GPU"
    found = [re.fullmatch(r"(CPU|GPU):(\d+)", name) for name in devices]
    kinds = {match[1] for match in found if match}
    indices = {int(match[2]) for match in found if match}
    is_gpu = kinds == {"GPU"}
    known = len(indices) == len(devices) and len(kinds) == 1
    if not known or (is_gpu and max(indices) >= len(gpus)):
        raise UserError(
            f"Invalid value for --devices. Expected some of {len(gpus)} GPUs "
            "(GPU:0,GPU:1,...), or CPU:0,CPU:1,... Received: "
            f"{','.join(devices)}"
        )
    try:
        tf.config.set_visible_devices(
            [gpus[index] for index in sorted(indices)] if is_gpu else [], "GPU"
        )
        if not is_gpu:
            _divide_cpu(len(indices))
    except RuntimeError as error:
        raise UserError(
            f"--devices={','.join(devices)} comes too late: TensorFlow has "
            "started in this process. Choose devices before anything else"
        ) from error
    return len(indices), *kinds


def _divide_cpu(count: int) -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    part = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [part] * count)


def _cluster() -> dict[str, list[str]]:
    """The hosts that TF_CONFIG names, by their task; empty for one host."""
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        return json.loads(text).get("cluster", {})
    except (ValueError, AttributeError) as error:
        raise UserError(
            f"TF_CONFIG is not JSON of a cluster and a task. Received: {text}"
        ) from error


def num_hosts() -> int:
    """Number of hosts that train together, in the scope of a strategy."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    spec = resolver.cluster_spec().as_dict() if resolver else {}
    return max(sum(map(len, spec.values())), 1)


def is_chief() -> bool:
    """Whether this host writes, in the scope of a strategy."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if num_hosts() == 1 or resolver.task_type == "chief":
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return not has_chief and resolver.task_id == 0


def of_chief(*values):
    """What the chief alone does, such as callbacks that write; else nothing."""
    return values if is_chief() else ()


@contextlib.contextmanager
def scope(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """The scope of a strategy, in which networks are built and trained.

    Raises:
        UserError: If another host has ended.
    """
    with strategy.scope():
        try:
            yield
        except _LOST as error:
            if num_hosts() == 1:
                raise
            raise UserError(
                f"One of the {num_hosts()} hosts of the training run has ended "
                "or cannot be reached. Start the run again on all of them with "
                "the same flags; it resumes at its last checkpoint"
            ) from error


@contextlib.contextmanager
def chief_first() -> Iterator[None]:
    """What the chief does first, and the other hosts after it."""
    if not is_chief():
        agree()
    yield
    if is_chief():
        agree()


def agree(step: int = 0) -> None:
    """Waits until all hosts are here, and at the same step.

    Args:
        step: Where this host would go on.

    Raises:
        UserError: If another host would go on elsewhere.
    """
    if num_hosts() == 1:
        return
    steps = collections.Counter(_of_all(np.int32(step)).tolist())
    if len(steps) > 1:
        raise UserError(
            "The hosts would resume at different steps. Expected a --model_dir "
            f"that all of them share. Received: steps {sorted(steps)}"
        )


def share(variables: Iterable[keras.Variable]) -> None:
    """Gives all hosts the values that the chief's variables have."""
    if num_hosts() > 1:
        for variable in variables:
            variable.assign(_of_all(np.asarray(variable))[0])


def _of_all(value: np.ndarray) -> np.ndarray:
    """The values of all replicas, those of the chief first."""
    strategy = tf.distribute.get_strategy()
    values = strategy.experimental_distribute_values_from_function(
        lambda _: tf.constant(value[None])
    )
    return strategy.gather(values, axis=0).numpy()


def check_batch_sizes(**batch_sizes: int) -> None:
    """Checks that the replicas can share batches evenly.

    Args:
        **batch_sizes: Images a step, by what they are called.

    Raises:
        UserError: If a size is not a multiple of the number of replicas.
    """
    uneven = {n: s for n, s in batch_sizes.items() if s % replicas.count()}
    if uneven:
        listed = ", ".join(
            f"{n.replace('_', ' ')} of {s}" for n, s in uneven.items()
        )
        raise UserError(
            f"{replicas.count()} devices cannot share a {listed} evenly. "
            "Choose --devices or --batch_size so that they can"
        )
