"""Runs a SavedModel through the C API of TensorFlow's own library.

    python -I -S c_api.py SITE_PACKAGES SAVED_MODEL NUM_THREADS

reads requests as JSON from standard input and writes the answers as JSON. It
is the C++ loader that TensorFlow Serving has too, without any Python of
TensorFlow: only the standard library is imported. A request names the tensors
to feed and to fetch, as the SignatureDef does; `cpp_runtime.run_requests` reads
it, starts this program and speaks to it.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

STRING = 7  # tensorflow.DataType
_STRING_SIZE = 24  # sizeof(TF_TString)


class Tensor(NamedTuple):
    """A tensor as plain values."""

    dtype: int  # number of `tensorflow.DataType`
    shape: list[int]
    content: bytes | list[bytes]  # raw values, or strings in row-major order


class _Endpoint(ctypes.Structure):
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
    """Opens the libraries of the installed package `tensorflow`.

    Args:
        site_packages: Folder in which the package is installed.

    Returns:
        library: With the functions of `tensorflow/c/c_api.h`.
    """
    folder = os.path.join(site_packages, "tensorflow")
    for name in ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"):
        # Global, so that the second library finds the symbols of the first.
        library = ctypes.CDLL(os.path.join(folder, name), ctypes.RTLD_GLOBAL)
    # ctypes takes every result for a C int, which would cut pointers and sizes.
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
        self._graph = ctypes.c_void_p(library.TF_NewGraph())
        with self._status() as status:
            self._session = ctypes.c_void_p(
                # Options and graph are freed with the process, as is the
                # session. None: no run options, no meta graph wanted.
                library.TF_LoadSessionFromSavedModel(
                    ctypes.c_void_p(library.TF_NewSessionOptions()),
                    None,
                    path.encode(),
                    (ctypes.c_char_p * 1)(b"serve"),
                    1,
                    self._graph,
                    None,
                    status,
                )
            )

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

    def _endpoints(self, names: list[str]) -> ctypes.Array:
        """Where tensors named `operation:index` are in the graph."""
        endpoints = (_Endpoint * len(names))()
        for row, name in enumerate(names):
            operation, index = name.split(":")
            pointer = self._library.TF_GraphOperationByName(
                self._graph, operation.encode()
            )
            if not pointer:
                raise RuntimeError(f"The graph has no operation {operation}")
            endpoints[row] = _Endpoint(pointer, int(index))
        return endpoints

    def _allocate(self, tensor: Tensor) -> ctypes.c_void_p:
        """A native tensor; the strings in it are views of `tensor`'s."""
        strings = tensor.dtype == STRING
        # A string tensor is an array of TF_TString, each of which is
        # initialised and then pointed to its bytes.
        size = len(tensor.content) * (_STRING_SIZE if strings else 1)
        native = ctypes.c_void_p(
            self._library.TF_AllocateTensor(
                tensor.dtype,
                (ctypes.c_int64 * len(tensor.shape))(*tensor.shape),
                len(tensor.shape),
                ctypes.c_size_t(size),
            )
        )
        start = self._library.TF_TensorData(native)
        if not strings:
            ctypes.memmove(start, tensor.content, size)
            return native
        for row, content in enumerate(tensor.content):
            string = ctypes.c_void_p(start + row * _STRING_SIZE)
            self._library.TF_StringInit(string)
            self._library.TF_StringAssignView(
                string, content, ctypes.c_size_t(len(content))
            )
        return native

    def _read(self, native: ctypes.c_void_p) -> Tensor:
        library = self._library
        dtype = library.TF_TensorType(native)
        rank = library.TF_NumDims(native)
        shape = [library.TF_Dim(native, axis) for axis in range(rank)]
        start = library.TF_TensorData(native)
        size = library.TF_TensorByteSize(native)
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
        self, inputs: dict[str, Tensor], outputs: list[str]
    ) -> list[Tensor]:
        """Feeds tensors and fetches others.

        Args:
            inputs: Tensors to feed, by name.
            outputs: Names of the tensors to fetch.

        Returns:
            tensors: Those of `outputs`, in its order.

        Raises:
            RuntimeError: With the runtime's message, if it fails.
        """
        feeds, fetches = self._endpoints(list(inputs)), self._endpoints(outputs)
        given = [self._allocate(tensor) for tensor in inputs.values()]
        results = (ctypes.c_void_p * len(outputs))()
        try:
            with self._status() as status:
                # None: no run options, no targets beside the fetches, no
                # metadata wanted.
                self._library.TF_SessionRun(
                    self._session,
                    None,
                    feeds,
                    (ctypes.c_void_p * len(given))(*given),
                    len(given),
                    fetches,
                    results,
                    len(outputs),
                    None,
                    0,
                    None,
                    status,
                )
            return [self._read(ctypes.c_void_p(result)) for result in results]
        finally:
            fetched = map(ctypes.c_void_p, filter(None, results))
            for tensor in [*given, *fetched]:
                self._library.TF_DeleteTensor(tensor)


def to_json(tensor: Tensor) -> list:
    """A tensor as JSON: type, shape, Base64; `from_json` is the inverse."""
    strings = tensor.content if tensor.dtype == STRING else [tensor.content]
    encoded = [base64.b64encode(string).decode() for string in strings]
    return [tensor.dtype, tensor.shape, encoded]


def from_json(content: list) -> Tensor:
    """The tensor that `to_json` encoded.

    Example:
    >>> from_json(to_json(Tensor(STRING, [2], [b"a", b"b"]))).content
    [b'a', b'b']
    """
    dtype, shape, encoded = content
    strings = [base64.b64decode(string) for string in encoded]
    return Tensor(dtype, shape, strings if dtype == STRING else strings[0])


def _main(site_packages: str, path: str, num_threads: str) -> None:
    requests = [
        ({name: from_json(tensor) for name, tensor in inputs.items()}, outputs)
        for inputs, outputs in json.load(sys.stdin)
    ]
    library = load_library(site_packages)
    start = time.perf_counter()
    session = Session(library, path)
    # The first request by itself: it is timed together with the load.
    answers = [session.run(*request) for request in requests[:1]]
    seconds = time.perf_counter() - start
    with ThreadPoolExecutor(int(num_threads)) as pool:
        answers += pool.map(lambda request: session.run(*request), requests[1:])
    result = {
        "answers": [[to_json(tensor) for tensor in row] for row in answers],
        "first_answer_seconds": seconds,
        "modules": sorted(sys.modules),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    _main(*sys.argv[1:])
