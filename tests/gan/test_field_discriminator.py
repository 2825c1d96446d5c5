import numpy as np
import tensorflow as tf

from ganad_tf.gan.field_discriminator import FieldDiscriminator
from ganad_tf.gan.field_discriminator import augment
from ganad_tf.gan.unet_discriminator import build_unet_discriminator


def made(seed=0, num_steps=30, **compiled):
    unet = build_unet_discriminator(channels=1, width=8)
    model = FieldDiscriminator(unet, num_steps=num_steps, seed=seed)
    model.compile(**compiled)
    return model


def eager(seed=0):
    """To trace a step takes longer than to take two."""
    return made(seed, run_eagerly=True)


def crops():
    noise = np.random.default_rng(0).normal(0.0, 0.1, [7, 32, 32, 1])
    return noise.astype(np.float32)


def losses_of(model, steps):
    return [
        model.train_on_batch(crops(), return_dict=True)["defect_loss"]
        for _ in range(steps)
    ]


def test_the_seed_decides_a_step():
    first, again, other = (losses_of(eager(seed), 2) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_defects_are_learned():
    model = made()
    losses = []
    for _ in range(30):
        model.reset_metrics()
        losses += losses_of(model, 1)
    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])
    assert int(model.step) == 30


def test_images_are_restored():
    model = made()
    losses = []
    for _ in range(30):
        model.reset_metrics()
        logs = model.train_on_batch(crops(), return_dict=True)
        losses.append(logs["restoration_loss"])
    assert np.mean(losses[-8:]) < 0.7 * np.mean(losses[:4])


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    whole, part = eager(), eager()
    losses_of(whole, 2)
    losses_of(part, 1)
    part.save_weights(tmp_path / "part.weights.h5")
    resumed = eager()
    resumed.load_weights(tmp_path / "part.weights.h5")
    losses_of(resumed, 1)
    for ours, theirs in zip(
        resumed.unet.get_weights(), whole.unet.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_augmentation_is_a_gain_and_an_offset():
    images = crops()
    augmented = np.asarray(augment(tf.constant(images), seed=[0, 1]))
    for image, changed in zip(images, augmented, strict=True):
        gain, offset = np.polyfit(image.ravel(), changed.ravel(), 1)
        np.testing.assert_allclose(gain * image + offset, changed, atol=1e-5)
        assert gain != 1.0 and abs(gain - 1.0) < 0.2 and abs(offset) < 0.1
