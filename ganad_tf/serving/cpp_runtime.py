"""Runs requests in TensorFlow's C++ runtime, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from ganad_tf.serving import c_api
from ganad_tf.serving.saved_model import ModelError
from ganad_tf.serving.saved_model import read_signatures

# Inputs or outputs of a signature by name; strings are arrays of objects.
Arrays = dict[str, np.ndarray]


class Answers(NamedTuple):
    """What the process of the C++ runtime gave."""

    outputs: list[Arrays]  # of each request
    first_answer_seconds: float  # from the start of the load
    modules: list[str]  # what the process had imported
    log: str  # what the runtime wrote to standard error


def run_requests(
    path: str, requests: list[tuple[str, Arrays]], *, num_threads: int = 1
) -> Answers:
    """Loads a SavedModel in a process of its own and runs requests there.

    The process has neither TensorFlow's Python nor NumPy. So the names of the
    tensors are read here, by TensorFlow's own protocol buffers, and sent along.

    Args:
        path: Folder of a version.
        requests: Signature and inputs of each request.
        num_threads: How many requests run at once, after the first.

    Returns:
        answers: `Answers`.

    Raises:
        ModelError: If there is no such signature, or load or run fails; then
            with the runtime's message.
    """
    signatures = read_signatures(path)
    for name, _ in requests:
        if name not in signatures:
            raise ModelError(
                f"{path} has no signature {name!r}. Expected one of "
                f"{sorted(signatures)}"
            )
    answer, log = _run_process(
        path,
        [_to_json(signatures[name], inputs) for name, inputs in requests],
        num_threads,
    )
    outputs = [
        _from_json(signatures[name], tensors)
        for (name, _), tensors in zip(requests, answer["answers"], strict=True)
    ]
    return Answers(
        outputs, answer["first_answer_seconds"], answer["modules"], log
    )


def _run_process(
    path: str, requests: list, num_threads: int
) -> tuple[dict, str]:
    """What `c_api` answers as a program, and what the runtime logs."""
    package = importlib.util.find_spec("tensorflow").origin
    site_packages = os.path.dirname(os.path.dirname(package))
    # Isolated and without site-packages: Python's TensorFlow cannot be imported
    # by mistake, so what runs is what TensorFlow Serving runs.
    process = subprocess.run(
        [sys.executable, "-I", "-S", c_api.__file__]
        + [site_packages, path, str(num_threads)],
        input=json.dumps(requests),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1"},  # warnings, errors
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise ModelError(
            f"{path} does not run in the C++ runtime: {_reason(process.stderr)}"
        )
    return json.loads(process.stdout), process.stderr


def _reason(log: str) -> str:
    """The last line that tells of an error, or the last line."""
    lines = log.strip().splitlines()
    errors = [line for line in lines if "Error: " in line]
    return (errors or lines or ["no message"])[-1]


def _to_json(signature: SignatureDef, inputs: Arrays) -> list:
    """A request as `c_api` reads it: what to feed, and what to fetch."""
    feeds = {
        info.name: c_api.to_json(_to_tensor(inputs[key]))
        for key, info in signature.inputs.items()
    }
    fetches = [signature.outputs[key].name for key in sorted(signature.outputs)]
    return [feeds, fetches]


def _from_json(signature: SignatureDef, tensors: list) -> Arrays:
    return {
        key: _to_array(c_api.from_json(tensor))
        for key, tensor in zip(sorted(signature.outputs), tensors, strict=True)
    }


def _to_tensor(array: np.ndarray) -> c_api.Tensor:
    strings = array.dtype == object
    return c_api.Tensor(
        tf.as_dtype(array.dtype).as_datatype_enum,
        list(array.shape),
        array.ravel().tolist() if strings else array.tobytes(),
    )


def _to_array(tensor: c_api.Tensor) -> np.ndarray:
    dtype = tf.as_dtype(tensor.dtype).as_numpy_dtype
    values = (
        np.array(tensor.content, object)
        if tensor.dtype == c_api.STRING
        else np.frombuffer(tensor.content, dtype)
    )
    return values.reshape(tensor.shape)
