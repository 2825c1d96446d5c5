"""Client of TensorFlow Serving's gRPC API; needs the extra `serving`."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

from ganad_tf.serving import scoring
from ganad_tf.serving.client import ServingClient

_COME_BACK = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
)
_REFUSED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # a message beyond a limit of size
    grpc.StatusCode.OUT_OF_RANGE,
)
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


class GrpcClient(ServingClient):
    """Scores encoded images by a model behind a gRPC server.

    Args:
        address: `grpc://host:8500/NAME`, or `grpc://host:8500/NAME/VERSION`.
        timeout: Seconds to wait for an answer.
        num_retries: How often to ask again while the server is unavailable.
    """

    def __init__(self, address: str, *, timeout: float, num_retries: int):
        target, *names = address.removeprefix("grpc://").split("/")
        self._name, *versions = names or [""]
        if (
            not target
            or not self._name
            or not "".join(versions or "0").isdigit()
        ):
            raise ValueError(
                "Invalid address of a gRPC server. Expected "
                "grpc://host:8500/NAME, perhaps with /VERSION. Received: "
                f"{address}"
            )
        super().__init__(address, timeout=timeout, num_retries=num_retries)
        self._version = int(versions[0]) if versions else None
        channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def _inputs(self) -> dict[str, Any]:
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            metadata_field=["signature_def"]
        )
        self._address(request.model_spec)
        answer = self._ask(self._stub.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        return {
            name: signature.inputs
            for name, signature in found.signature_def.items()
        }

    def _predict(
        self, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        request = predict_pb2.PredictRequest()
        self._address(request.model_spec)
        request.model_spec.signature_name = signature
        tensor = tf.make_tensor_proto(np.array(images, object))
        request.inputs["image_bytes"].CopyFrom(tensor)
        outputs = self._ask(self._stub.Predict, request).outputs
        return scoring.rows_of(
            {name: tf.make_ndarray(values) for name, values in outputs.items()}
        )

    def _address(self, model_spec) -> None:
        model_spec.name = self._name
        if self._version is not None:
            model_spec.version.value = self._version

    def _ask(self, method, request):
        def once():
            try:
                return method(request, timeout=self._timeout)
            except grpc.RpcError as error:
                raise _translated(error, self.url) from error

        return self._retried(once)


def _translated(error: grpc.RpcError, url: str) -> Exception:
    """The server's refusal as one of our errors."""
    text = (error.details() or error.code().name).splitlines()[0]
    if error.code() in _COME_BACK:
        return scoring.UnavailableError(f"No answer from {url}: {text}")
    if error.code() in _REFUSED:
        return scoring.RefusedError(text)
    return ValueError(f"{url}: {error.code().name}: {text}")
