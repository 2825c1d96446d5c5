import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import tiny_config

from ganad_tf.gan.inversion import LatentInverter
from ganad_tf.recipes import PAPER
from ganad_tf.training import building
from ganad_tf.training import held_out_losses


def test_the_loss_is_small_for_what_the_gan_knows(parts_detector):
    reconstruct = held_out_losses.make_reconstruct(parts_detector.gan)
    known = make_parts(70, seed=5)
    loss = held_out_losses.reconstruction_loss(reconstruct, known)
    alone = [
        held_out_losses.reconstruction_loss(reconstruct, known[i : i + 1])
        for i in range(len(known))
    ]
    assert loss == pytest.approx(np.mean(alone), rel=1e-3)
    inverted = held_out_losses.reconstruction_loss(reconstruct, -known)
    assert inverted > 2 * loss


def test_the_denoising_loss_is_zero_where_the_clean_images_come_back():
    clean = make_parts(20, seed=5)
    inputs = []

    def reconstruct(images):
        inputs.append(images.numpy())
        return tf.constant(clean)

    assert held_out_losses.denoising_loss(reconstruct, clean) == 0.0
    changed = np.abs(inputs[0] - clean).max(axis=(1, 2, 3))
    assert (changed > 0.02).mean() > 0.8
    assert held_out_losses.denoising_loss(lambda images: images, clean) > 0.01


def test_a_gan_without_encoder_reconstructs_by_the_papers_descent():
    gan = building.build_gan(tiny_config(method="paper"))
    images = tf.constant(make_parts(2, seed=0))
    reconstruct = held_out_losses.make_reconstruct(gan)
    inverter = LatentInverter(
        gan.generate, **dataclasses.asdict(PAPER.inversion)
    )
    expected = inverter.invert(images, tf.zeros([2, 6])).reconstructions
    np.testing.assert_allclose(reconstruct(images), expected, atol=1e-6)


def test_the_result_is_read_as_it_was_written(parts_detector, tmp_path):
    assert held_out_losses.read_result(str(tmp_path)) == {}
    result = held_out_losses.training_result(
        parts_detector.gan, make_parts(4, seed=5)
    )
    assert set(result) == {
        "held_out_reconstruction_loss",
        "held_out_denoising_loss",
    }
    held_out_losses.write_result(str(tmp_path), result)
    assert held_out_losses.read_result(str(tmp_path)) == result
