import tensorflow as tf
from conftest import make_parts


def test_shapes_and_types_are_as_promised(parts_detector):
    detection = parts_detector.detect(tf.constant(make_parts(16, seed=7)))
    shapes = [tuple(part.shape) for part in detection]
    pictures = [(16, 32, 32, 1), (16, 32, 32)]
    assert shapes == [(16,)] * 5 + pictures + [(16, 6)] * 2 + [(16, 2)]
    types = [part.dtype.name for part in detection]
    assert types == ["float32"] * 4 + ["bool"] + ["float32"] * 5
