"""Warm-up requests, which TensorFlow Serving runs when it loads a model.

The file is a TFRecord of `tensorflow.serving.PredictionLog`. Its messages are
declared here by their public field numbers: the package that has them would
be needed for nothing else.
"""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from ganad_tf.serving import message_types
from ganad_tf.serving.servable import SIGNATURES

WARMUP_NAME = os.path.join("assets.extra", "tf_serving_warmup_requests")
_PACKAGE = "ganad_tf.serving.saved_model"
_MESSAGES = {
    "ModelSpec": [("name", 1, "string"), ("signature_name", 3, "string")],
    "Input": [("key", 1, "string"), ("value", 2, ".tensorflow.TensorProto")],
    "PredictRequest": [
        ("model_spec", 1, f".{_PACKAGE}.ModelSpec"),
        # A map, which is a repeated pair on the wire.
        ("inputs", 2, f"repeated .{_PACKAGE}.Input"),
    ],
    "PredictLog": [("request", 1, f".{_PACKAGE}.PredictRequest")],
    "PredictionLog": [("predict_log", 6, f".{_PACKAGE}.PredictLog")],
}
_PredictionLog = message_types.declare_messages(
    "ganad_tf/warmup.proto", _PACKAGE, [tensor_pb2.DESCRIPTOR.name], _MESSAGES
)["PredictionLog"]


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
