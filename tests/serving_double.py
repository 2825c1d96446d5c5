"""A small stand-in for TensorFlow Serving, for tests and measurements only.

    python tests/serving_double.py BASE_PATH NAME

serves the newest version in BASE_PATH by gRPC, with the real definitions of
PredictionService, and by the REST forms, over the sessions of TensorFlow's C++
runtime; a new version replaces the old one while requests run. It prints its
addresses as JSON. It is not TensorFlow Serving: batching, labels and the exact
texts of errors are not shown by it.
"""

import base64
import contextlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

INVALID, NOT_FOUND = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
HTTP_CODES = {INVALID: 400, NOT_FOUND: 404, UNAVAILABLE: 503}


class ServingError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def _reason(error):
    """The runtime's message, without what Python puts in front of it."""
    message = getattr(error, "message", str(error)).partition("\n\t [[")[0]
    return message.splitlines()[-1]


class Version:
    """A session on one version's folder."""

    def __init__(self, path):
        self.number = int(os.path.basename(path))
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(
                self._session, ["serve"], path
            )
        self.signatures = {
            name: found
            for name, found in loaded.signature_def.items()
            if not name.startswith("__")
        }

    def signature(self, name):
        name = name or "serving_default"
        if name not in self.signatures:
            message = f'Serving signature name: "{name}" not found'
            raise ServingError(INVALID, message)
        return self.signatures[name]

    def predict(self, signature_name, inputs):
        signature = self.signature(signature_name)
        if set(inputs) != set(signature.inputs):
            expected = sorted(signature.inputs)
            raise ServingError(INVALID, f"input must be {expected}")
        try:
            return self._session.run(
                {k: info.name for k, info in signature.outputs.items()},
                {signature.inputs[k].name: v for k, v in inputs.items()},
            )
        except (tf.errors.OpError, ValueError) as error:
            raise ServingError(INVALID, _reason(error)) from error


class Model:
    """The newest version in a folder, replaced while requests run."""

    def __init__(self, base_path, name):
        self.base_path, self.name = base_path, name
        self.num_failures = 0  # so many requests to come find it unavailable
        self.num_requests = 0
        self.version = None
        self._stopped = threading.Event()
        self._look()
        threading.Thread(target=self._watch, daemon=True).start()

    def _look(self):
        names = [n for n in os.listdir(self.base_path) if n.isdigit()]
        newest = max(names, key=int)
        if self.version is None or int(newest) > self.version.number:
            self.version = Version(os.path.join(self.base_path, newest))

    def _watch(self):
        while not self._stopped.wait(0.2):
            self._look()

    def close(self):
        self._stopped.set()

    def find(self, name, version=None):
        self.num_requests += 1
        if self.num_failures > 0:
            self.num_failures -= 1
            raise ServingError(UNAVAILABLE, "The server is overloaded")
        current = self.version
        if name != self.name or version not in (None, current.number):
            message = f"Servable not found for request: {name}, {version}"
            raise ServingError(NOT_FOUND, message)
        return current


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model):
        self._model = model

    def _version(self, spec):
        number = spec.version.value if spec.HasField("version") else None
        return self._model.find(spec.name, number)

    def Predict(self, request, context):
        try:
            version = self._version(request.model_spec)
            inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
            outputs = version.predict(request.model_spec.signature_name, inputs)
        except ServingError as error:
            context.abort(error.code, str(error))
        answer = predict_pb2.PredictResponse()
        answer.model_spec.name = self._model.name
        answer.model_spec.version.value = version.number
        for name, values in outputs.items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return answer

    def GetModelMetadata(self, request, context):
        try:
            version = self._version(request.model_spec)
        except ServingError as error:
            context.abort(error.code, str(error))
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.CopyFrom(request.model_spec)
        answer.metadata["signature_def"].Pack(_signature_map(version))
        return answer


def _signature_map(version):
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in version.signatures.items():
        found.signature_def[name].CopyFrom(signature)
    return found


def _from_json(value):
    """Values of a request; {"b64": ...} is bytes."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, list):
        return [_from_json(one) for one in value]
    return value


def _to_json(name, values):
    if values.dtype != object:
        return values.tolist()
    if not name.endswith("_bytes"):
        return [value.decode() for value in values]
    return [{"b64": base64.b64encode(value).decode()} for value in values]


def _array(values, info):
    dtype = tf.dtypes.as_dtype(info.dtype)
    return np.array(values, object if dtype == tf.string else dtype.name)


def _inputs_of(body, signature):
    """Named arrays of the row format or of the column format."""
    if "inputs" in body:
        given = body["inputs"]
        if not (isinstance(given, dict) and "b64" not in given):
            (key,) = signature.inputs
            given = {key: given}
    else:
        rows = body["instances"]
        named = [isinstance(row, dict) and "b64" not in row for row in rows]
        if all(named) and rows:
            given = {key: [row[key] for row in rows] for key in rows[0]}
        else:
            (key,) = signature.inputs
            given = {key: rows}
    return {
        key: _array(_from_json(values), signature.inputs[key])
        for key, values in given.items()
    }


def _predict_json(version, body):
    name = body.get("signature_name", "")
    inputs = _inputs_of(body, version.signature(name))
    columns = {
        key: _to_json(key, values)
        for key, values in version.predict(name, inputs).items()
    }
    if "inputs" in body:
        return {"outputs": columns}
    rows = zip(*columns.values(), strict=True)
    return {"predictions": [dict(zip(columns, r, strict=True)) for r in rows]}


class RestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _answer(self, code, content):
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _guarded(self, work):
        try:
            self._answer(200, work())
        except ServingError as error:
            self._answer(HTTP_CODES[error.code], {"error": str(error)})
        except (ValueError, KeyError, TypeError) as error:
            self._answer(400, {"error": f"JSON Parse error: {error!r}"})

    def _version(self):
        """The version that the path names, and what is asked of it."""
        path, _, verb = self.path.partition(":")
        _, api, models, name, *rest = path.split("/")
        if (api, models) != ("v1", "models"):
            raise ServingError(NOT_FOUND, "Malformed request")
        number = int(rest[1]) if rest[:1] == ["versions"] else None
        version = self.server.model.find(name, number)
        return version, verb or (rest or [""])[-1]

    def do_GET(self):
        self._guarded(self._get)

    def _get(self):
        version, asked = self._version()
        if asked == "metadata":
            found = json_format.MessageToDict(
                _signature_map(version), preserving_proto_field_name=True
            )
            return {"metadata": {"signature_def": found}}
        state = {"version": str(version.number), "state": "AVAILABLE"}
        status = {"error_code": "OK", "error_message": ""}
        return {"model_version_status": [{**state, "status": status}]}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._guarded(lambda: self._post(body))

    def _post(self, body):
        version, verb = self._version()
        if verb != "predict":
            raise ServingError(INVALID, f"unknown verb {verb}")
        return _predict_json(version, json.loads(body))


class RestServer(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


@contextlib.contextmanager
def serve(base_path, name, num_threads=8):
    """Yields the model, with `rest` and `grpc` addresses as attributes."""
    model = Model(base_path, name)
    rest = RestServer(("127.0.0.1", 0), RestHandler)
    rest.model = model
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    server = grpc.server(
        ThreadPoolExecutor(num_threads),
        options=[("grpc.max_receive_message_length", -1)],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(model), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    model.rest = f"http://127.0.0.1:{rest.server_port}/v1/models/{name}"
    model.grpc = f"grpc://127.0.0.1:{port}/{name}"
    try:
        yield model
    finally:
        server.stop(0)
        rest.shutdown()
        rest.server_close()
        model.close()


if __name__ == "__main__":
    with serve(*sys.argv[1:3]) as served:
        print(
            json.dumps({"rest": served.rest, "grpc": served.grpc}), flush=True
        )
        while True:
            time.sleep(3600)
