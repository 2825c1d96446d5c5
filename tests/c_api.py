"""Runs a SavedModel through the C API of TensorFlow's own library.

    python c_api.py SITE_PACKAGES SAVED_MODEL IMAGES HEIGHT WIDTH CHANNELS

as TensorFlow Serving would: no Python of TensorFlow is imported. IMAGES is a
file of raw float32 pixels; the anomaly scores are printed as JSON. Tensors are
found through the SignatureDef, read with the few lines of protobuf wire
format below.
"""

import ctypes
import json
import os
import struct
import sys


def fields(data):
    """Yields number and value of each field of a protobuf message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            size = varint()
            value = data[at : at + size]
            at += size
        else:
            size = {1: 8, 5: 4}[kind]
            value = data[at : at + size]
            at += size
        yield key >> 3, value


def only(data, number):
    return [value for found, value in fields(data) if found == number]


def tensor_names(meta_graph, signature):
    """Input and output tensors' names of a signature."""
    for entry in only(meta_graph, 5):  # signature_def
        if only(entry, 1)[0].decode() == signature:
            found = only(entry, 2)[0]
            return [
                {
                    only(item, 1)[0].decode(): only(only(item, 2)[0], 1)[
                        0
                    ].decode()
                    for item in only(found, number)
                }
                for number in (1, 2)  # inputs, outputs
            ]
    raise KeyError(signature)


class Buffer(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("release", ctypes.c_void_p),
    ]


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def load_library(site_packages):
    folder = os.path.join(site_packages, "tensorflow")
    for name in ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"):
        library = ctypes.CDLL(os.path.join(folder, name), ctypes.RTLD_GLOBAL)
    for name in (
        "TF_NewStatus",
        "TF_NewGraph",
        "TF_NewSessionOptions",
        "TF_LoadSessionFromSavedModel",
        "TF_GraphOperationByName",
        "TF_AllocateTensor",
        "TF_TensorData",
    ):
        getattr(library, name).restype = ctypes.c_void_p
    library.TF_Message.restype = ctypes.c_char_p
    library.TF_TensorByteSize.restype = ctypes.c_size_t
    return library


def main(site_packages, path, pixels, *size):
    size = [int(side) for side in size]
    library = load_library(site_packages)
    pointer = ctypes.c_void_p
    status = pointer(library.TF_NewStatus())

    def check():
        if library.TF_GetCode(status):
            sys.exit(library.TF_Message(status).decode())

    graph, meta = pointer(library.TF_NewGraph()), Buffer()
    tags = (ctypes.c_char_p * 1)(b"serve")
    session = pointer(
        library.TF_LoadSessionFromSavedModel(
            pointer(library.TF_NewSessionOptions()),
            None,
            path.encode(),
            tags,
            1,
            graph,
            ctypes.byref(meta),
            status,
        )
    )
    check()
    inputs, outputs = tensor_names(
        ctypes.string_at(meta.data, meta.length), "images"
    )

    def output(name):
        operation, index = name.split(":")
        found = library.TF_GraphOperationByName(graph, operation.encode())
        return Output(found, int(index))

    with open(pixels, "rb") as file:
        data = file.read()
    shape = [len(data) // (4 * size[0] * size[1] * size[2]), *size]
    tensor = pointer(
        library.TF_AllocateTensor(
            1, (ctypes.c_int64 * 4)(*shape), 4, ctypes.c_size_t(len(data))
        )
    )
    ctypes.memmove(library.TF_TensorData(tensor), data, len(data))
    result = (pointer * 1)()
    library.TF_SessionRun(
        session,
        None,
        (Output * 1)(output(inputs["images"])),
        (pointer * 1)(tensor),
        1,
        (Output * 1)(output(outputs["anomaly_score"])),
        result,
        1,
        None,
        0,
        None,
        status,
    )
    check()
    answer = pointer(result[0])
    count = library.TF_TensorByteSize(answer) // 4
    raw = ctypes.string_at(library.TF_TensorData(answer), 4 * count)
    imported = "tensorflow" in sys.modules or "numpy" in sys.modules
    scores = struct.unpack(f"{count}f", raw)
    print(json.dumps({"scores": scores, "tensorflow_imported": imported}))


if __name__ == "__main__":
    main(*sys.argv[1:])
