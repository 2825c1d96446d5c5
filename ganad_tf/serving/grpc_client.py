"""Client of TensorFlow Serving's gRPC API; needs the extra `serving`."""

from __future__ import annotations

import re
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

from ganad_tf.errors import UserError
from ganad_tf.errors import runtime_reason
from ganad_tf.serving.client import ServingClient
from ganad_tf.serving.client import UnavailableError
from ganad_tf.serving.scorer import RefusedError
from ganad_tf.serving.scorer import rows_of

_RETRIED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
)
_REFUSED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # a message above the size limit
    grpc.StatusCode.OUT_OF_RANGE,
)
_ADDRESS = re.compile(r"grpc://([^/]+)/([^/]+)(?:/(\d+))?")
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


class GrpcClient(ServingClient):
    """Scores encoded images by a model behind a gRPC server.

    Args:
        address: `grpc://host:8500/NAME`, or `grpc://host:8500/NAME/VERSION`.
        timeout: As of `ServingClient`.
        num_retries: As of `ServingClient`.

    Raises:
        UserError: If the address has another form.
    """

    def __init__(self, address: str, *, timeout: float, num_retries: int):
        parts = _ADDRESS.fullmatch(address)
        if not parts:
            raise UserError(
                "Invalid address of a gRPC server. Expected "
                "grpc://host:8500/NAME, optionally with /VERSION. Received: "
                f"{address}"
            )
        super().__init__(address, timeout=timeout, num_retries=num_retries)
        target, self._name, self._version = parts.groups()
        channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def _inputs(self) -> dict[str, Any]:
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            metadata_field=["signature_def"]
        )
        self._set_model(request.model_spec)
        answer = self._ask(self._stub.GetModelMetadata, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)
        return {
            name: signature.inputs
            for name, signature in signatures.signature_def.items()
        }

    def _predict(
        self, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        request = predict_pb2.PredictRequest()
        self._set_model(request.model_spec)
        request.model_spec.signature_name = signature
        tensor = tf.make_tensor_proto(np.array(images, object))
        request.inputs["image_bytes"].CopyFrom(tensor)
        outputs = self._ask(self._stub.Predict, request).outputs
        return rows_of(
            {name: tf.make_ndarray(values) for name, values in outputs.items()}
        )

    def _set_model(self, model_spec) -> None:
        model_spec.name = self._name
        if self._version is not None:
            model_spec.version.value = int(self._version)

    def _ask(self, method, request):
        def call():
            try:
                return method(request, timeout=self._timeout)
            except grpc.RpcError as error:
                raise _client_error(error, self.source) from error

        return self._with_retries(call)


def _client_error(error: grpc.RpcError, url: str) -> UserError:
    """The server's error as one of ours."""
    text = runtime_reason(error.details() or error.code().name)
    if error.code() in _RETRIED:
        return UnavailableError(f"No answer from {url}: {text}")
    if error.code() in _REFUSED:
        return RefusedError(text)
    return UserError(f"{url}: {error.code().name}: {text}")
