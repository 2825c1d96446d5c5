from ganad_tf.serving import message_types

MESSAGES = {
    "Item": [("name", 2, "string"), ("is_new", 3, "bool")],
    "Box": [("items", 1, "repeated .test.Item")],
}


def test_declared_messages_have_the_bytes_of_the_encoding():
    classes = message_types.declare_messages("t.proto", "test", [], MESSAGES)
    box = classes["Box"](items=[{"name": "ab", "is_new": True}, {"name": "c"}])
    # Tag (number << 3 | wire type), length and content, one after the other.
    first = b"\x12\x02ab" + b"\x18\x01"
    second = b"\x12\x01c"
    expected = b"\x0a\x06" + first + b"\x0a\x03" + second
    assert box.SerializeToString() == expected
    assert classes["Box"].FromString(expected) == box
