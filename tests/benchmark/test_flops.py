import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.benchmark import flops


def tap_count(size_in: int) -> int:
    """Pairs of pixels that a 4x4 kernel of stride 2 joins, along one axis."""
    wide = np.zeros([1, 2 * size_in, 1, 1], np.float32)
    kernel = np.ones([4, 1, 1, 1], np.float32)
    joined = tf.nn.conv2d(wide + 1.0, kernel, [1, 2, 1, 1], "SAME")
    return int(tf.reduce_sum(joined)) + 2  # and one tap in each border


def test_operations_are_counted_tap_by_tap(tiny_gan):
    # 6 latents to 4x4x16, to 8x8x8, to 16x16x4, to 32x32x1; width 4.
    pairs = [6 * 16 * 16]
    pairs += [tap_count(n) ** 2 * c for n, c in ((4, 128), (8, 32), (16, 4))]
    assert flops.forward(tiny_gan.generator) == 2 * sum(pairs)
    head = 2 * 6 * 32 * 32
    step = 2 * (2 * sum(pairs) + head)
    assert flops.inversion_step(tiny_gan) == step
    assert flops.training_step(tiny_gan) > 3 * step


def test_counts_are_in_millions_per_image(tiny_gan, monkeypatch):
    monkeypatch.setattr(flops.synthetic, "build_gan", lambda: tiny_gan)
    figures = flops.measure()
    assert figures["inversion step, MFLOP/image"]["count"] == pytest.approx(
        flops.inversion_step(tiny_gan) / 1e6
    )
