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
from ganad_tf.serving.client import GoneError
from ganad_tf.serving.client import ServingClient
from ganad_tf.serving.client import UnavailableError
from ganad_tf.serving.credentials import Credentials
from ganad_tf.serving.credentials import read
from ganad_tf.serving.scorer import BadAnswerError
from ganad_tf.serving.scorer import RefusedError
from ganad_tf.serving.scorer import inputs_of
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
_ADDRESS = re.compile(r"(grpcs?)://([^/]+)/([^/]+)(?:/(\d+))?")
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


class GrpcClient(ServingClient):
    """Scores encoded images by a model behind a gRPC server.

    Args:
        address: `grpc://host:8500/NAME`, or `grpc://host:8500/NAME/VERSION`;
            `grpcs://` with TLS.
        **settings: Those of `ServingClient`; its timeout is the deadline of a
            request.

    Raises:
        UserError: If the address has another form, or credentials cannot be
            read.
    """

    def __init__(self, address: str, **settings: Any):
        parts = _ADDRESS.fullmatch(address)
        if not parts:
            raise UserError(
                "Invalid address of a gRPC server. Expected "
                "grpc://host:8500/NAME, optionally with /VERSION. Received: "
                f"{address}"
            )
        super().__init__(address, **settings)
        scheme, target, self._name, self._asked_version = parts.groups()
        authorization = self._credentials.authorization()
        self._metadata = (
            [("authorization", authorization)] if authorization else []
        )
        if scheme == "grpcs":
            channel = grpc.secure_channel(
                target,
                _channel_credentials(self._credentials),
                options=_OPTIONS,
            )
        else:
            channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def _inputs(self) -> dict[str, Any]:
        answer = self._ask_metadata()
        self.version = _version(answer)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)
        return inputs_of(signatures.signature_def)

    def _ask_metadata(self):
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            metadata_field=["signature_def"]
        )
        self._set_model(request.model_spec, self._asked_version)
        return self._ask(self._stub.GetModelMetadata, request)

    def _newest_version(self) -> str:
        return _version(self._ask_metadata())

    def _predict_by(
        self, version: str, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        request = predict_pb2.PredictRequest()
        self._set_model(request.model_spec, version or self._asked_version)
        request.model_spec.signature_name = signature
        tensor = tf.make_tensor_proto(np.array(images, object))
        request.inputs["image_bytes"].CopyFrom(tensor)
        answer = self._ask(self._stub.Predict, request)
        self._check_version(version, _version(answer))
        try:
            return rows_of(
                {k: tf.make_ndarray(v) for k, v in answer.outputs.items()}
            )
        except (TypeError, ValueError) as error:
            raise BadAnswerError(
                f"{self.source} gives outputs of different lengths or of no "
                f"known type: {error}"
            ) from error

    def _check_version(self, asked: str, answered: str) -> None:
        if asked and answered and asked != answered:
            raise BadAnswerError(
                f"{self.source} was asked for version {asked}, and version "
                f"{answered} has answered"
            )

    def _set_model(self, model_spec, version: str | None) -> None:
        model_spec.name = self._name
        if version:
            model_spec.version.value = int(version)

    def _ask(self, method, request):
        def call():
            try:
                return method(
                    request, timeout=self._timeout, metadata=self._metadata
                )
            except grpc.RpcError as error:
                raise _client_error(error, self.source) from error

        return self._with_retries(call)


def _channel_credentials(credentials: Credentials) -> grpc.ChannelCredentials:
    ca, key, certificate = (
        path and read(path)
        for path in (
            credentials.ca_file,
            credentials.key_file,
            credentials.certificate_file,
        )
    )
    return grpc.ssl_channel_credentials(ca, key, certificate)


def _version(answer) -> str:
    """The version that an answer is of; empty if the server does not say."""
    spec = answer.model_spec
    return str(spec.version.value) if spec.HasField("version") else ""


def _client_error(error: grpc.RpcError, url: str) -> UserError:
    """The server's error as one of ours."""
    text = runtime_reason(error.details() or error.code().name)
    if error.code() in _RETRIED:
        return UnavailableError(f"No answer from {url}: {text}")
    if error.code() == grpc.StatusCode.NOT_FOUND:
        return GoneError(f"{url}: {error.code().name}: {text}")
    if error.code() in _REFUSED:
        return RefusedError(text)
    return UserError(f"{url}: {error.code().name}: {text}")
