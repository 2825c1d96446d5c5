"""Warm-up requests, which TensorFlow Serving runs when it loads a model.

The file is a TFRecord of `tensorflow.serving.PredictionLog`. Its messages are
declared here with their public field numbers: the package that has them would
be needed for nothing else.
"""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
from tensorflow.core.framework import tensor_pb2

from ganad_tf.serving.servable import SIGNATURES

WARMUP_NAME = os.path.join("assets.extra", "tf_serving_warmup_requests")
_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "ganad_tf.serving.saved_model"
# Message: its fields as name, number and type (a message's name or a string).
_MESSAGES = {
    "ModelSpec": [("name", 1, None), ("signature_name", 3, None)],
    "Input": [("key", 1, None), ("value", 2, ".tensorflow.TensorProto")],
    "PredictRequest": [
        ("model_spec", 1, f".{_PACKAGE}.ModelSpec"),
        ("inputs", 2, f".{_PACKAGE}.Input"),  # a map on the wire
    ],
    "PredictLog": [("request", 1, f".{_PACKAGE}.PredictRequest")],
    "PredictionLog": [("predict_log", 6, f".{_PACKAGE}.PredictLog")],
}


def _prediction_log_class():
    file = descriptor_pb2.FileDescriptorProto(
        name="ganad_tf/warmup.proto", package=_PACKAGE, syntax="proto3"
    )
    file.dependency.append(tensor_pb2.DESCRIPTOR.name)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            message.field.add(
                name=field,
                number=number,
                label=_FIELD.LABEL_REPEATED
                if field == "inputs"
                else _FIELD.LABEL_OPTIONAL,
                type=_FIELD.TYPE_MESSAGE if kind else _FIELD.TYPE_STRING,
                type_name=kind,
            )
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{_PACKAGE}.PredictionLog")
    )


_PredictionLog = _prediction_log_class()


def _record(model_name: str, signature: str, key: str, value) -> bytes:
    log = _PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    tensor = tf.make_tensor_proto(value)
    request.inputs.add(key=key).value.CopyFrom(tensor)
    return log.SerializeToString(deterministic=True)


def write_warmup_requests(
    path: str, *, model_name: str, size: list[int]
) -> None:
    """Writes one request of one gray image for each signature.

    Args:
        path: File to write, `assets.extra/tf_serving_warmup_requests`.
        model_name: Name of the model on the server.
        size: Height, width and channels of the model's images.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image = tf.fill(size, tf.constant(128, tf.uint8))
    image_bytes = [tf.io.encode_png(image).numpy()]
    values = {
        "image_bytes": image_bytes,
        "images": tf.cast(image, tf.float32)[None],
    }
    with tf.io.TFRecordWriter(path) as writer:
        for signature, key in SIGNATURES.items():
            writer.write(_record(model_name, signature, key, values[key]))


def read_warmup_requests(
    path: str,
) -> list[tuple[str, dict[str, np.ndarray]]]:
    """Reads the requests that a server would run.

    Args:
        path: Folder of a version.

    Returns:
        requests: Signature and inputs by name of each request.
    """
    requests = []
    for record in tf.data.TFRecordDataset(os.path.join(path, WARMUP_NAME)):
        log = _PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        inputs = {i.key: tf.make_ndarray(i.value) for i in request.inputs}
        requests.append((request.model_spec.signature_name, inputs))
    return requests
