"""PredictionService of TensorFlow Serving, before the model of the double.

The messages are those of tensorflow-serving-api. It is for tests of the gRPC
client alone; the benchmark needs REST only.
"""

import contextlib
import pathlib
from concurrent.futures import ThreadPoolExecutor

import grpc
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

from ganad_tf.benchmark.serving_double import ServingError


def _abort(context, error):
    context.abort(grpc.StatusCode[error.code.name], str(error))


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
            _abort(context, error)
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
            _abort(context, error)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in version.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.CopyFrom(request.model_spec)
        answer.model_spec.version.value = version.number  # as the real one
        answer.metadata["signature_def"].Pack(signatures)
        return answer


class _Gate(grpc.ServerInterceptor):
    """Lets in who shows the token."""

    def __init__(self, authorization):
        self._shown = ("authorization", authorization)

    def intercept_service(self, continuation, details):
        if self._shown in details.invocation_metadata:
            return continuation(details)

        def refuse(_, context):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

        return grpc.unary_unary_rpc_method_handler(refuse)


def _secured(credentials):
    key, certificate = (
        pathlib.Path(path).read_bytes()
        for path in (credentials.key_file, credentials.certificate_file)
    )
    return grpc.ssl_server_credentials(
        [(key, certificate)], certificate, require_client_auth=True
    )


@contextlib.contextmanager
def serve(model, num_threads=8, credentials=None):
    """Serves the model of a double by gRPC; its address is `model.grpc`.

    With credentials, clients need TLS, a certificate and the token.
    """
    interceptors = [_Gate(credentials.authorization())] if credentials else []
    server = grpc.server(
        ThreadPoolExecutor(num_threads),
        options=[("grpc.max_receive_message_length", -1)],
        interceptors=interceptors,
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(model), server
    )
    scheme = "grpcs" if credentials else "grpc"
    if credentials:
        port = server.add_secure_port("127.0.0.1:0", _secured(credentials))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    model.grpc = f"{scheme}://127.0.0.1:{port}/{model.name}"
    try:
        yield
    finally:
        server.stop(0)
