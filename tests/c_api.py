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
    return library


class Session:
    """A session on a SavedModel, with the tensors of one signature."""

    def __init__(self, library, path, signature):
        self.library = library
        self.status = ctypes.c_void_p(library.TF_NewStatus())
        self.graph, meta = ctypes.c_void_p(library.TF_NewGraph()), Buffer()
        self.session = ctypes.c_void_p(
            library.TF_LoadSessionFromSavedModel(
                ctypes.c_void_p(library.TF_NewSessionOptions()),
                None,
                path.encode(),
                (ctypes.c_char_p * 1)(b"serve"),
                1,
                self.graph,
                ctypes.byref(meta),
                self.status,
            )
        )
        self.check()
        self.inputs, self.outputs = tensor_names(
            ctypes.string_at(meta.data, meta.length), signature
        )

    def check(self):
        if self.library.TF_GetCode(self.status):
            sys.exit(self.library.TF_Message(self.status).decode())

    def find(self, name):
        operation, index = name.split(":")
        found = self.library.TF_GraphOperationByName(
            self.graph, operation.encode()
        )
        return (Output * 1)(Output(found, int(index)))

    def run(self, tensor, given, wanted):
        result = (ctypes.c_void_p * 1)()
        self.library.TF_SessionRun(
            self.session,
            None,
            self.find(self.inputs[given]),
            (ctypes.c_void_p * 1)(tensor),
            1,
            self.find(self.outputs[wanted]),
            result,
            1,
            None,
            0,
            None,
            self.status,
        )
        self.check()
        return ctypes.c_void_p(result[0])


def float_tensor(library, data, shape):
    tensor = ctypes.c_void_p(
        library.TF_AllocateTensor(
            1,  # TF_FLOAT
            (ctypes.c_int64 * len(shape))(*shape),
            len(shape),
            ctypes.c_size_t(len(data)),
        )
    )
    ctypes.memmove(library.TF_TensorData(tensor), data, len(data))
    return tensor


def main(site_packages, path, pixels, *size):
    library = load_library(site_packages)
    height, width, channels = map(int, size)
    with open(pixels, "rb") as file:
        data = file.read()
    shape = [len(data) // (4 * height * width * channels)]
    tensor = float_tensor(library, data, [*shape, height, width, channels])
    session = Session(library, path, "images")
    answer = session.run(tensor, "images", "anomaly_score")
    raw = ctypes.string_at(library.TF_TensorData(answer), 4 * shape[0])
    imported = "tensorflow" in sys.modules or "numpy" in sys.modules
    scores = struct.unpack(f"{shape[0]}f", raw)
    print(json.dumps({"scores": scores, "tensorflow_imported": imported}))


if __name__ == "__main__":
    main(*sys.argv[1:])
