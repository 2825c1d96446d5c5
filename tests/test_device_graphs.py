"""What of a traced step can run on a GPU, and what goes back to the host.

No GPU is needed: TensorFlow registers its kernels with or without one.
"""

import functools

import pytest
import tensorflow as tf
from conftest import tiny_config
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import kernels
from tensorflow.python.framework import op_def_registry

from ganad_tf.training import building
from ganad_tf.training import field_run

# Work of the host: files are decoded, checked and encoded there, at the ends
# of a scoring run.
HOST = {
    "DecodeImage",
    "DecodePaddedRaw",
    "EncodePng",
    "ExtractJpegShape",
    "ScaleAndTranslate",
    "StringFormat",
    "TensorListFromTensor",
    "TensorListGetItem",
}
# What saves and restores weights.
SAVER = ("traced_save", "traced_restore")


def functions_of(graph_def):
    return [
        function
        for function in graph_def.library.function
        if not any(name in function.signature.name for name in SAVER)
    ]


def nodes_of(graph_def):
    inner = [n for f in functions_of(graph_def) for n in f.node_def]
    return [*graph_def.node, *inner]


def types_of(node, attribute):
    """Types of an attribute; a SavedModel leaves out those by default."""
    value = node.attr[attribute]
    if not value.type and not value.list.type:
        attributes = op_def_registry.get(node.op).attr
        (found,) = [a for a in attributes if a.name == attribute]
        value = found.default_value
    return set(value.list.type) or {value.type}


def fits(kernel, node):
    """Whether a kernel takes the types of a node."""
    return all(
        types_of(node, rule.name) <= set(rule.allowed_values.list.type)
        for rule in kernel.constraint
    )


@functools.cache
def gpu_kernels(op):
    found = kernels.get_registered_kernels_for_op(op).kernel
    return [k for k in found if k.device_type in ("GPU", "DEFAULT")]


def is_text(node):
    """Whether it handles file contents, which are in the host's memory."""
    values = [value for value in node.attr.values() if value]
    return any(
        tf.string.as_datatype_enum in {v.type, *v.list.type} for v in values
    )


def on_the_host(graph_def):
    """Operations on numbers that no kernel of a GPU computes."""
    functions = {f.signature.name for f in graph_def.library.function}
    return {
        node.op
        for node in nodes_of(graph_def)
        if node.op not in functions
        and not is_text(node)
        and not any(fits(kernel, node) for kernel in gpu_kernels(node.op))
    }


def check(graph_def):
    nodes = nodes_of(graph_def)
    assert not {node.op for node in nodes if "PyFunc" in node.op}
    # Left to TensorFlow, which takes the GPU where there is one.
    assert not {node.device for node in nodes} - {""}
    assert on_the_host(graph_def) <= HOST


@pytest.fixture(scope="module", autouse=True)
def kernels_of_gpus():
    if not tf.test.is_built_with_cuda():
        pytest.skip("this TensorFlow has no kernels of GPUs")


def traced(model, size):
    batch = tf.TensorSpec([8, size, size, 1], tf.float32)
    step = tf.function(model.train_step).get_concrete_function(batch)
    return step.graph.as_graph_def()


def test_a_training_step_stays_on_the_device():
    config = tiny_config(image_size=16, width=2)
    gan = building.build_gan(config)
    check(traced(gan, 16))


def test_a_training_step_of_the_field_stays_on_the_device():
    config = tiny_config(field_size=(32, 32), field_width=8, field_steps=2)
    model = field_run.build_field_discriminator(config)
    check(traced(model, 32))


def test_scoring_leaves_the_device_for_encoded_images_alone(exported):
    saved = saved_model_pb2.SavedModel()
    with open(f"{exported}/saved_model.pb", "rb") as file:
        saved.ParseFromString(file.read())
    (meta_graph,) = saved.meta_graphs
    del meta_graph.graph_def.node[:]  # loading and calls of the signatures
    check(meta_graph.graph_def)
