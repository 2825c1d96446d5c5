import keras
import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.gan.unet_discriminator import LAYERS
from ganad_tf.gan.unet_discriminator import NETWORKS
from ganad_tf.gan.unet_discriminator import GroupNormalization
from ganad_tf.gan.unet_discriminator import build_unet_discriminator


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("size", [(32, 32), (48, 80)])
def test_any_size_has_logits_for_each_pixel_and_features_by_level(size):
    unet = build_unet_discriminator(channels=3, width=8)
    outputs = unet(noise(2, *size, 3))
    assert outputs["restored"].shape == (2, *size, 3)
    layers = []
    for network in NETWORKS:
        assert outputs[f"{network}/logits"].shape == (2, *size, 1)
        layers += [f"{network}/{layer}" for layer in LAYERS]
    for layer in layers:
        stride = int(layer.rpartition("_")[2])
        rows, columns = (side // stride for side in size)
        assert outputs[layer].shape[:3] == (2, rows, columns)


def test_the_seed_decides_the_weights():
    first, again, other = (
        build_unet_discriminator(channels=1, width=8, seed=seed)
        for seed in (0, 0, 1)
    )
    image = noise(1, 32, 32, 1)
    for key in ("discriminator/logits", "restorer/logits", "restored"):
        np.testing.assert_array_equal(first(image)[key], again(image)[key])
        assert np.abs(first(image)[key] - other(image)[key]).max() > 0


def test_the_networks_share_no_weights():
    outputs = build_unet_discriminator(channels=1, width=8)
    image = tf.constant(noise(1, 32, 32, 1))
    used = []
    for network in NETWORKS:
        with tf.GradientTape() as tape:
            logits = outputs(image)[f"{network}/logits"]
        gradients = tape.gradient(logits, outputs.trainable_variables)
        used.append({i for i, g in enumerate(gradients) if g is not None})
    assert not used[0] & used[1]


def test_an_image_does_not_depend_on_its_batch():
    unet = build_unet_discriminator(channels=1, width=8)
    batch = noise(4, 32, 32, 1)
    together = unet(batch)["discriminator/logits"]
    alone = unet(batch[2:3])["discriminator/logits"]
    np.testing.assert_allclose(together[2:3], alone, atol=1e-5)


def test_group_normalization_is_that_of_keras():
    inputs = noise(3, 8, 6, 16)
    ours = GroupNormalization(groups=4)(inputs)
    reference = keras.layers.GroupNormalization(groups=4, epsilon=1e-3)(inputs)
    np.testing.assert_allclose(ours, reference, atol=1e-4)


def test_group_normalization_survives_its_configuration():
    layer = GroupNormalization(groups=2, epsilon=0.1)
    again = GroupNormalization.from_config(layer.get_config())
    assert (again.groups, again.epsilon) == (2, 0.1)


def test_contrast_of_an_image_hardly_counts():
    unet = build_unet_discriminator(channels=1, width=8)
    image = noise(1, 64, 64, 1)
    strong, weak = (
        unet(scale * image)["discriminator/encoder_4"] for scale in (4.0, 1.0)
    )
    difference = tf.reduce_mean(tf.abs(strong - weak))
    assert float(difference) < 0.1 * float(tf.reduce_mean(tf.abs(weak)))
