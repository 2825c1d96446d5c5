"""Message types of protocol buffers, declared here instead of compiled.

TensorFlow Serving's own message types come with a package that has all of the
server's protocol. Few are needed, and their field numbers are public.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"bool": _FIELD.TYPE_BOOL, "string": _FIELD.TYPE_STRING}
_REPEATED = "repeated "


def declare_messages(
    name: str,
    package: str,
    imports: Sequence[str],
    messages: Mapping[str, Sequence[tuple[str, int, str]]],
) -> dict[str, type]:
    """Declares message types, as a compiled .proto file would, once.

    Args:
        name: Of the .proto file, of which there is none.
        package: The messages' package.
        imports: Names of loaded .proto files whose messages are fields here.
        messages: For each message its fields: name, number and type. A type
            is "bool", "string" or a message's full name with a dot before it,
            optionally after "repeated ".

    Returns:
        classes: Of the messages, by name.

    Raises:
        TypeError: If one of the messages is declared otherwise already.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=name, package=package, dependency=imports, syntax="proto3"
    )
    for message, fields in messages.items():
        file.message_type.add(name=message, field=map(_field, fields))
    pool = descriptor_pool.Default()
    pool.Add(file)
    types = pool.FindFileByName(name).message_types_by_name
    return {
        message: message_factory.GetMessageClass(types[message])
        for message in messages
    }


def _field(declared: tuple[str, int, str]) -> _FIELD:
    name, number, kind = declared
    repeated, kind = kind.startswith(_REPEATED), kind.removeprefix(_REPEATED)
    return _FIELD(
        name=name,
        number=number,
        label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
        type=_SCALARS.get(kind, _FIELD.TYPE_MESSAGE),
        type_name=None if kind in _SCALARS else kind,
    )
