"""Runs a SavedModel through the C API of TensorFlow's own library.

    python -I -S c_api.py SITE_PACKAGES SAVED_MODEL NUM_THREADS

reads requests as JSON from standard input and writes the answers as JSON. It
uses the C++ loader that TensorFlow Serving has too, and imports nothing but the
standard library; tensors are found through the SignatureDef that the loader
returns, read with the few lines of protobuf wire format below. `run_requests`
starts it and speaks to it.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

FLOAT, STRING, BOOL = 1, 7, 10  # tensorflow.DataType
_STRING_SIZE = 24  # sizeof(TF_TString)


class ModelError(RuntimeError):
    """A SavedModel does not run, or gives other numbers than it should."""


class Tensor(NamedTuple):
    """A tensor as plain values."""

    dtype: int  # number of `tensorflow.DataType`
    shape: list[int]
    content: bytes | list[bytes]  # raw values, or strings in row-major order


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a protobuf message."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield key >> 3, data[at : at + size]
        at += size


def _only(data: bytes, number: int) -> list[Any]:
    return [value for found, value in _fields(data) if found == number]


def tensor_names(
    meta_graph: bytes, signature: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Finds the tensors of a signature.

    Args:
        meta_graph: A serialised `MetaGraphDef`.
        signature: The signature's name.

    Returns:
        names: Tensor names of the inputs, and of the outputs, by their keys.

    Raises:
        ValueError: If there is no such signature.
    """
    entries = {  # field 5: signature_def
        _only(entry, 1)[0].decode(): _only(entry, 2)[0]
        for entry in _only(meta_graph, 5)
    }
    if signature not in entries:
        raise ValueError(
            f"There is no signature {signature!r}: expected one of "
            f"{sorted(entries)}"
        )
    return tuple(
        {
            _only(item, 1)[0].decode(): _only(_only(item, 2)[0], 1)[0].decode()
            for item in _only(entries[signature], number)
        }
        for number in (1, 2)  # inputs, outputs
    )


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("release", ctypes.c_void_p),
    ]


class _Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


_POINTERS = (
    "TF_NewStatus",
    "TF_NewGraph",
    "TF_NewSessionOptions",
    "TF_LoadSessionFromSavedModel",
    "TF_GraphOperationByName",
    "TF_AllocateTensor",
    "TF_TensorData",
    "TF_StringGetDataPointer",
)
_SIZES = ("TF_TensorByteSize", "TF_StringGetSize")


def load_library(site_packages: str) -> ctypes.CDLL:
    """Opens the libraries of the installed package `tensorflow`."""
    folder = os.path.join(site_packages, "tensorflow")
    for name in ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"):
        library = ctypes.CDLL(os.path.join(folder, name), ctypes.RTLD_GLOBAL)
    for name in _POINTERS:
        getattr(library, name).restype = ctypes.c_void_p
    for name in _SIZES:
        getattr(library, name).restype = ctypes.c_size_t
    library.TF_Dim.restype = ctypes.c_int64
    library.TF_Message.restype = ctypes.c_char_p
    return library


class Session:
    """A session on a SavedModel; `run` may be called by many threads.

    Args:
        library: Of `load_library`.
        path: The SavedModel's folder.

    Raises:
        RuntimeError: If it cannot be loaded.
    """

    def __init__(self, library: ctypes.CDLL, path: str):
        self._library = library
        self._graph, meta = ctypes.c_void_p(library.TF_NewGraph()), _Buffer()
        with self._status() as status:
            self._session = ctypes.c_void_p(
                library.TF_LoadSessionFromSavedModel(
                    ctypes.c_void_p(library.TF_NewSessionOptions()),
                    None,
                    path.encode(),
                    (ctypes.c_char_p * 1)(b"serve"),
                    1,
                    self._graph,
                    ctypes.byref(meta),
                    status,
                )
            )
        self._meta_graph = ctypes.string_at(meta.data, meta.length)

    @contextlib.contextmanager
    def _status(self) -> Iterator[ctypes.c_void_p]:
        """A status that is read, and raises what it says, at the end."""
        status = ctypes.c_void_p(self._library.TF_NewStatus())
        try:
            yield status
            if self._library.TF_GetCode(status):
                message = self._library.TF_Message(status)
                raise RuntimeError(message.decode(errors="replace"))
        finally:
            self._library.TF_DeleteStatus(status)

    def _find(self, names: list[str]) -> ctypes.Array:
        found = (_Output * len(names))()
        for row, name in enumerate(names):
            operation, index = name.split(":")
            found[row] = _Output(
                self._library.TF_GraphOperationByName(
                    self._graph, operation.encode()
                ),
                int(index),
            )
        return found

    def _made(self, tensor: Tensor) -> ctypes.c_void_p:
        """A native tensor; the strings in it are views of `tensor`'s."""
        strings = tensor.dtype == STRING
        size = len(tensor.content) * (_STRING_SIZE if strings else 1)
        made = ctypes.c_void_p(
            self._library.TF_AllocateTensor(
                tensor.dtype,
                (ctypes.c_int64 * len(tensor.shape))(*tensor.shape),
                len(tensor.shape),
                ctypes.c_size_t(size),
            )
        )
        start = self._library.TF_TensorData(made)
        if not strings:
            ctypes.memmove(start, tensor.content, size)
            return made
        for row, content in enumerate(tensor.content):
            string = ctypes.c_void_p(start + row * _STRING_SIZE)
            self._library.TF_StringInit(string)
            self._library.TF_StringAssignView(
                string, content, ctypes.c_size_t(len(content))
            )
        return made

    def _read(self, made: ctypes.c_void_p) -> Tensor:
        library = self._library
        dtype = library.TF_TensorType(made)
        rank = library.TF_NumDims(made)
        shape = [library.TF_Dim(made, axis) for axis in range(rank)]
        start = library.TF_TensorData(made)
        size = library.TF_TensorByteSize(made)
        if dtype != STRING:
            content = ctypes.string_at(start, size) if size else b""
            return Tensor(dtype, shape, content)
        strings = [
            ctypes.c_void_p(start + at) for at in range(0, size, _STRING_SIZE)
        ]
        return Tensor(
            dtype,
            shape,
            [
                ctypes.string_at(
                    library.TF_StringGetDataPointer(string),
                    library.TF_StringGetSize(string),
                )
                for string in strings
            ],
        )

    def run(
        self, signature: str, inputs: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Runs a signature.

        Args:
            signature: Its name.
            inputs: Its inputs by their keys.

        Returns:
            outputs: All its outputs by their keys.

        Raises:
            ValueError: If there is no such signature.
            RuntimeError: With the runtime's message, if it fails.
        """
        given, wanted = tensor_names(self._meta_graph, signature)
        results = (ctypes.c_void_p * len(wanted))()
        made = [self._made(inputs[key]) for key in given]
        try:
            with self._status() as status:
                self._library.TF_SessionRun(
                    self._session,
                    None,
                    self._find(list(given.values())),
                    (ctypes.c_void_p * len(made))(*made),
                    len(made),
                    self._find(list(wanted.values())),
                    results,
                    len(wanted),
                    None,
                    0,
                    None,
                    status,
                )
            outputs = [self._read(ctypes.c_void_p(made)) for made in results]
            return dict(zip(wanted, outputs, strict=True))
        finally:
            for tensor in [*made, *map(ctypes.c_void_p, filter(None, results))]:
                self._library.TF_DeleteTensor(tensor)


def _to_json(tensors: dict[str, Tensor]) -> dict[str, list]:
    def text(content):
        if isinstance(content, bytes):
            return base64.b64encode(content).decode()
        return [text(one) for one in content]

    return {
        key: [tensor.dtype, tensor.shape, text(tensor.content)]
        for key, tensor in tensors.items()
    }


def _from_json(tensors: dict[str, list]) -> dict[str, Tensor]:
    def content(text):
        if isinstance(text, str):
            return base64.b64decode(text)
        return [content(one) for one in text]

    return {
        key: Tensor(dtype, shape, content(text))
        for key, (dtype, shape, text) in tensors.items()
    }


def run_requests(
    path: str,
    requests: list[tuple[str, dict[str, Tensor]]],
    *,
    num_threads: int = 1,
) -> dict[str, Any]:
    """Loads a SavedModel in a process of its own and runs requests there.

    Args:
        path: The SavedModel's folder.
        requests: Signature and inputs of each request.
        num_threads: How many requests run at once, after the first.

    Returns:
        found: "answers", a dictionary of `Tensor`s for each request;
            "first_answer_seconds" from the start of the load to the first
            answer; "modules", what Python had imported; "log", what the
            runtime wrote to standard error.

    Raises:
        ModelError: With the runtime's message, if load or run fails.
    """
    package = importlib.util.find_spec("tensorflow").origin
    site_packages = os.path.dirname(os.path.dirname(package))
    plain = [[name, _to_json(inputs)] for name, inputs in requests]
    answer = subprocess.run(
        [sys.executable, "-I", "-S", os.path.abspath(__file__)]
        + [site_packages, path, str(num_threads)],
        input=json.dumps(plain),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1"},  # warnings, errors
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        lines = answer.stderr.strip().splitlines()
        reasons = [line for line in lines if "Error: " in line] or lines
        raise ModelError(
            f"{path} does not run in the C++ runtime: {''.join(reasons[-1:])}"
        )
    found = json.loads(answer.stdout)
    answers = [_from_json(tensors) for tensors in found["answers"]]
    return {**found, "answers": answers, "log": answer.stderr}


def _main(site_packages: str, path: str, num_threads: str) -> None:
    requests = [
        (name, _from_json(inputs)) for name, inputs in json.load(sys.stdin)
    ]
    library = load_library(site_packages)
    start = time.perf_counter()
    session = Session(library, path)
    answers = [session.run(*request) for request in requests[:1]]
    seconds = time.perf_counter() - start
    with ThreadPoolExecutor(int(num_threads)) as pool:
        answers += pool.map(lambda request: session.run(*request), requests[1:])
    found = {
        "answers": [_to_json(answer) for answer in answers],
        "first_answer_seconds": seconds,
        "modules": sorted(sys.modules),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
