"""What of a traced step can run on a GPU, and what goes back to the host.

No GPU is needed: TensorFlow registers its kernels with or without one.
"""

import functools

import pytest
import tensorflow as tf
from conftest import tiny_config
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import kernels

from ganad_tf.training import building
from ganad_tf.training import field_run

# Work of the host: files are encoded, decoded and checked there, at the ends
# of a scoring run. `Placeholder` stands for arguments and is never run.
HOST = {
    "DecodeImage",
    "DecodeRaw",
    "EncodePng",
    "Placeholder",
    "StringLength",
    "Substr",
}


def nodes_of(graph_def):
    functions = graph_def.library.function
    inner = [node for function in functions for node in function.node_def]
    return [*graph_def.node, *inner]


def fits(kernel, node):
    """Whether a kernel takes the types of a node."""

    def types(value):
        return set(value.list.type) or {value.type}

    return all(
        types(node.attr[rule.name]) <= set(rule.allowed_values.list.type)
        for rule in kernel.constraint
    )


@functools.cache
def gpu_kernels(op):
    found = kernels.get_registered_kernels_for_op(op).kernel
    return [k for k in found if k.device_type in ("GPU", "DEFAULT")]


def without_gpu_kernel(nodes, names):
    return {
        node.op
        for node in nodes
        if node.op not in names
        and not any(fits(kernel, node) for kernel in gpu_kernels(node.op))
    }


def check(graph_def):
    nodes = nodes_of(graph_def)
    functions = {f.signature.name for f in graph_def.library.function}
    assert not {node.op for node in nodes if "PyFunc" in node.op}
    # Left to TensorFlow, which takes the GPU where there is one.
    assert {node.device for node in nodes} == {""}
    return without_gpu_kernel(nodes, functions)


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
    assert check(traced(gan, 16)) <= HOST


def test_a_training_step_of_the_field_stays_on_the_device():
    config = tiny_config(field_size=(32, 32), field_width=8, field_steps=2)
    model = field_run.build_field_discriminator(config)
    assert check(traced(model, 32)) <= HOST


def test_scoring_leaves_the_device_for_encoded_images_alone(exported):
    saved = saved_model_pb2.SavedModel()
    with open(f"{exported}/saved_model.pb", "rb") as file:
        saved.ParseFromString(file.read())
    (meta_graph,) = saved.meta_graphs
    assert check(meta_graph.graph_def) <= HOST
