"""Messages of TensorFlow Serving that tensorflow-serving-api does not have.

They are declared by their published definitions: monitoring_config.proto and
session_bundle_config.proto.
"""

from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
from google.protobuf import text_format
from google.protobuf import wrappers_pb2

_PACKAGE = "tensorflow.serving"
_INT64 = ".google.protobuf.Int64Value"
_MESSAGES = {
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": f".{_PACKAGE}.PrometheusConfig"},
    "BatchingParameters": {
        "max_batch_size": _INT64,
        "batch_timeout_micros": _INT64,
        "max_enqueued_batches": _INT64,
        "num_batch_threads": _INT64,
    },
}


def _pool():
    file = descriptor_pb2.FileDescriptorProto(
        name="server_messages.proto", package=_PACKAGE, syntax="proto3"
    )
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            added = message.field.add(name=field, number=number, label=1)
            if kind.startswith("."):
                added.type, added.type_name = 11, kind
            else:
                added.type = {"bool": 8, "string": 9}[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return pool


_POOL = _pool()


def parse(text, name):
    """A message from its text; an error if it is not of that kind."""
    found = _POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}")
    return text_format.Parse(text, message_factory.GetMessageClass(found)())
