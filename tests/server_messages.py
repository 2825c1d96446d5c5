"""Messages of TensorFlow Serving that tensorflow-serving-api does not have.

They are declared by their published definitions: monitoring_config.proto and
session_bundle_config.proto.
"""

from google.protobuf import text_format
from google.protobuf import wrappers_pb2

from ganad_tf.serving import message_types

_PACKAGE = "tensorflow.serving"
_INT64 = ".google.protobuf.Int64Value"
_MESSAGES = {
    "PrometheusConfig": [("enable", 1, "bool"), ("path", 2, "string")],
    "MonitoringConfig": [
        ("prometheus_config", 1, f".{_PACKAGE}.PrometheusConfig")
    ],
    "BatchingParameters": [
        ("max_batch_size", 1, _INT64),
        ("batch_timeout_micros", 2, _INT64),
        ("max_enqueued_batches", 3, _INT64),
        ("num_batch_threads", 4, _INT64),
    ],
}
_CLASSES = message_types.declare_messages(
    "server_messages.proto",
    _PACKAGE,
    [wrappers_pb2.DESCRIPTOR.name],
    _MESSAGES,
)


def parse(text, name):
    """A message from its text; an error if it is not of that kind."""
    return text_format.Parse(text, _CLASSES[name]())
