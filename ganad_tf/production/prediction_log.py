"""Request logs of TensorFlow Serving: TFRecords of `PredictionLog`.

The server writes them with a `logging_config` of a model. The messages are
declared by their public field numbers, as those of warm-up requests are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import tensor_pb2

from ganad_tf.errors import UserError
from ganad_tf.serving import message_types

_PACKAGE = "ganad_tf.production.prediction_log"
_MESSAGES = {
    "Entry": [("key", 1, "string"), ("value", 2, ".tensorflow.TensorProto")],
    "PredictRequest": [("inputs", 2, f"repeated .{_PACKAGE}.Entry")],
    "PredictResponse": [("outputs", 1, f"repeated .{_PACKAGE}.Entry")],
    "PredictLog": [
        ("request", 1, f".{_PACKAGE}.PredictRequest"),
        ("response", 2, f".{_PACKAGE}.PredictResponse"),
    ],
    "PredictionLog": [("predict_log", 6, f".{_PACKAGE}.PredictLog")],
}
PredictionLog = message_types.declare_messages(
    "ganad_tf/prediction_log.proto",
    _PACKAGE,
    [tensor_pb2.DESCRIPTOR.name],
    _MESSAGES,
)["PredictionLog"]


def read_rows(path: str) -> Iterator[tuple[dict[str, Any], bytes | None]]:
    """Reads what a server answered, one image after the other.

    Args:
        path: A file of the log.

    Yields:
        outputs: Scalars of an image by their names.
        image_bytes: The encoded image; None where pixels were sent.

    Raises:
        UserError: If it is no such file, or the answers were not logged.
    """
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            log = PredictionLog.FromString(record).predict_log
            outputs, inputs = (
                {entry.key: tf.make_ndarray(entry.value) for entry in entries}
                for entries in (log.response.outputs, log.request.inputs)
            )
            if "p_value" not in outputs:
                raise UserError(
                    f"{path} has a request without the answer's p_value. "
                    "Expected a log of requests and answers of a model of "
                    f"export_saved_model.py. Received: {sorted(outputs)}"
                )
            yield from _rows(outputs, inputs.get("image_bytes"))
    except (tf.errors.OpError, DecodeError) as error:
        reason = getattr(error, "message", error)
        raise UserError(
            f"{path} cannot be read: {reason}. Expected a CSV or Parquet table "
            "of scores, or a log of TensorFlow Serving"
        ) from error


def _rows(outputs, image_bytes) -> Iterator[tuple[dict, bytes | None]]:
    scalars = {k: v for k, v in outputs.items() if v.ndim == 1}
    for row in range(len(scalars["p_value"])):
        image = None if image_bytes is None else bytes(image_bytes[row])
        yield {name: values[row] for name, values in scalars.items()}, image
