"""A small stand-in for TensorFlow Serving, for measurements and tests only.

It serves the newest version in a folder by the REST forms of TensorFlow
Serving, over a session of TensorFlow's C++ runtime; a new version replaces the
old one while requests run. It needs nothing but TensorFlow. It does not show
batching, labels and the exact texts of errors.
"""

from __future__ import annotations

import base64
import contextlib
import enum
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format

_WATCH_SECONDS = 0.2  # between two looks for a new version


class Code(enum.Enum):
    """Errors of the server: name as in gRPC, value as in HTTP."""

    INVALID_ARGUMENT = 400
    NOT_FOUND = 404
    UNAVAILABLE = 503


class ServingError(Exception):
    """A request that the server refuses.

    Args:
        code: Kind of error.
        message: What the client is told.
    """

    def __init__(self, code: Code, message: str):
        super().__init__(message)
        self.code = code


def _reason(error: Exception) -> str:
    """The runtime's message, without what Python puts in front of it."""
    message = getattr(error, "message", str(error)).partition("\n\t [[")[0]
    return message.splitlines()[-1]


class Version:
    """A session on one version's folder.

    Args:
        path: Folder of a SavedModel, named by its number.
    """

    def __init__(self, path: str):
        self.number = int(os.path.basename(path))
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(
                self._session, ["serve"], path
            )
        self.signatures = {
            name: signature
            for name, signature in loaded.signature_def.items()
            if not name.startswith("__")
        }

    def signature(self, name: str):
        """The `SignatureDef` of a name; an empty name is the default's.

        Raises:
            ServingError: If there is no such signature.
        """
        name = name or "serving_default"
        if name not in self.signatures:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f'Serving signature name: "{name}" not found',
            )
        return self.signatures[name]

    def predict(
        self, signature_name: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature_name: As of `signature`.
            inputs: Arrays by name; dimension 0 is the batch.

        Returns:
            outputs: Arrays by name, of the same batch.

        Raises:
            ServingError: If there is no such signature, other inputs are
                expected, or the run fails.
        """
        signature = self.signature(signature_name)
        if set(inputs) != set(signature.inputs):
            expected = sorted(signature.inputs)
            raise ServingError(
                Code.INVALID_ARGUMENT, f"input must be {expected}"
            )
        try:
            return self._session.run(
                {k: info.name for k, info in signature.outputs.items()},
                {signature.inputs[k].name: v for k, v in inputs.items()},
            )
        except (tf.errors.OpError, ValueError) as error:
            raise ServingError(Code.INVALID_ARGUMENT, _reason(error)) from error


class Model:
    """The newest version in a folder, replaced while requests run.

    Args:
        base_path: Folder of versions.
        name: The model's name in addresses.

    Attributes:
        num_failures: How many of the next requests are refused as unavailable.
        num_requests: Requests so far.
        version: The `Version` that answers.
        rest: Address of the REST server, once it runs.
    """

    def __init__(self, base_path: str, name: str):
        self.base_path, self.name = base_path, name
        self.num_failures = 0
        self.num_requests = 0
        self.version = None
        self.rest = None
        self._stopped = threading.Event()
        self._load_newest()
        threading.Thread(target=self._watch, daemon=True).start()

    def _load_newest(self) -> None:
        listed = os.listdir(self.base_path)
        names = [n for n in listed if n.isascii() and n.isdigit()]
        newest = max(names, key=int)
        if self.version is None or int(newest) > self.version.number:
            self.version = Version(os.path.join(self.base_path, newest))

    def _watch(self) -> None:
        while not self._stopped.wait(_WATCH_SECONDS):
            self._load_newest()

    def close(self) -> None:
        """Stops watching for new versions."""
        self._stopped.set()

    def find(self, name: str, version: int | None = None) -> Version:
        """The version that a request asks for; None asks for the newest.

        Raises:
            ServingError: If there is no such model or version, or the server
                is to fail (`num_failures`).
        """
        self.num_requests += 1
        if self.num_failures > 0:
            self.num_failures -= 1
            raise ServingError(Code.UNAVAILABLE, "The server is overloaded")
        current = self.version
        if name != self.name or version not in (None, current.number):
            message = f"Servable not found for request: {name}, {version}"
            raise ServingError(Code.NOT_FOUND, message)
        return current


def _from_json(value: Any) -> Any:
    """Values of a request; {"b64": ...} is bytes."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, list):
        return [_from_json(one) for one in value]
    return value


def _to_json(name: str, values: np.ndarray) -> list:
    if values.dtype != object:
        return values.tolist()
    if not name.endswith("_bytes"):
        return [value.decode() for value in values]
    return [{"b64": base64.b64encode(value).decode()} for value in values]


def _to_array(values: Any, info) -> np.ndarray:
    dtype = tf.dtypes.as_dtype(info.dtype)
    return np.array(values, object if dtype == tf.string else dtype.name)


def _is_named(value: Any) -> bool:
    """Whether a value names its inputs, instead of being the only one."""
    return isinstance(value, dict) and "b64" not in value


def _columns(body: dict, signature) -> dict[str, Any]:
    """Values by input, of the row format or of the column format."""
    if "inputs" in body:
        values = body["inputs"]
        if _is_named(values):
            return values
    else:
        values = body["instances"]
        if values and all(map(_is_named, values)):
            return {key: [row[key] for row in values] for key in values[0]}
    (only_input,) = signature.inputs
    return {only_input: values}


def _predict(version: Version, body: dict) -> dict[str, Any]:
    name = body.get("signature_name", "")
    signature = version.signature(name)
    inputs = {
        key: _to_array(_from_json(values), signature.inputs[key])
        for key, values in _columns(body, signature).items()
    }
    outputs = {
        key: _to_json(key, values)
        for key, values in version.predict(name, inputs).items()
    }
    if "inputs" in body:
        return {"outputs": outputs}
    rows = zip(*outputs.values(), strict=True)
    return {
        "predictions": [dict(zip(outputs, row, strict=True)) for row in rows]
    }


def _metadata(version: Version) -> dict[str, Any]:
    signatures = {
        name: json_format.MessageToDict(
            signature, preserving_proto_field_name=True
        )
        for name, signature in version.signatures.items()
    }
    return {"metadata": {"signature_def": {"signature_def": signatures}}}


def _status(version: Version) -> dict[str, Any]:
    state = {"version": str(version.number), "state": "AVAILABLE"}
    status = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{**state, "status": status}]}


class _RestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        pass  # requests are many, and clients tell what went wrong

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(lambda: self._post(body))

    def _answer(self, work) -> None:
        try:
            self._send(200, work())
        except ServingError as error:
            self._send(error.code.value, {"error": str(error)})
        except (ValueError, KeyError, TypeError) as error:
            self._send(400, {"error": f"JSON Parse error: {error!r}"})

    def _send(self, code: int, content: dict) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _parse_path(self) -> tuple[Version, str]:
        """The version that the path names, and what is asked of it."""
        path, _, verb = self.path.partition(":")
        _, api, models, name, *rest = path.split("/")
        if (api, models) != ("v1", "models"):
            raise ServingError(Code.NOT_FOUND, "Malformed request")
        number = int(rest[1]) if rest[:1] == ["versions"] else None
        version = self.server.model.find(name, number)
        return version, verb or (rest or [""])[-1]

    def _get(self) -> dict[str, Any]:
        version, resource = self._parse_path()
        return (_metadata if resource == "metadata" else _status)(version)

    def _post(self, body: bytes) -> dict[str, Any]:
        version, verb = self._parse_path()
        if verb != "predict":
            raise ServingError(Code.INVALID_ARGUMENT, f"unknown verb {verb}")
        return _predict(version, json.loads(body))


class _RestServer(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


@contextlib.contextmanager
def serve(base_path: str, name: str) -> Iterator[Model]:
    """Serves a model by REST, on a free port of this machine.

    Args:
        base_path: Folder of versions, each named by an integer.
        name: The model's name in addresses.

    Yields:
        model: `Model`, with its address in `rest`.
    """
    model = Model(base_path, name)
    server = _RestServer(("127.0.0.1", 0), _RestHandler)
    server.model = model
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model.rest = f"http://127.0.0.1:{server.server_port}/v1/models/{name}"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        model.close()
