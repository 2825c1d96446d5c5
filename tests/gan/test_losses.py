import numpy as np
import tensorflow as tf

from ganad_tf.gan import losses


def sigmoid(values):
    return 1.0 / (1.0 + np.exp(-values))


def test_discriminator_loss_is_the_smoothed_cross_entropy():
    real, generated = np.array([[0.3], [-1.2]]), np.array([[0.5], [2.0]])
    p, q = sigmoid(real), sigmoid(generated)
    expected = -(0.9 * np.log(p) + 0.1 * np.log(1 - p)).mean()
    expected -= np.log(1 - q).mean()
    found = losses.discriminator_loss(
        tf.constant(real), tf.constant(generated), label_smoothing=0.1
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_generator_loss_does_not_saturate():
    logits = tf.constant([[-20.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.generator_loss(logits)
    np.testing.assert_allclose(tape.gradient(loss, logits), [[-1.0]], rtol=1e-5)


def test_latent_distance_is_the_mean_of_the_images_distances():
    rng = np.random.default_rng(0)
    latents, targets = rng.normal(size=(2, 10, 3))
    expected = np.linalg.norm(latents - targets, axis=1).mean() / np.sqrt(3)
    found = losses.latent_distance(tf.constant(latents), tf.constant(targets))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_latent_distance_sides_with_the_likelier_target():
    targets = tf.constant([[0.0, 0.0], [0.0, 0.0], [3.0, 3.0]])
    found = {
        guess: float(losses.latent_distance(tf.fill([3, 2], guess), targets))
        for guess in (0.0, 0.1, 1.0, 3.0)  # 1 is the mean
    }
    assert min(found, key=found.get) == 0.0


def test_latent_distance_has_a_slope_at_its_target():
    latents = tf.zeros([2, 4])
    with tf.GradientTape() as tape:
        tape.watch(latents)
        loss = losses.latent_distance(latents, latents)
    np.testing.assert_array_equal(tape.gradient(loss, latents), 0.0)


def test_latent_prior_loss_equals_its_formula():
    latents = np.random.default_rng(0).normal(1.0, 2.0, size=(10, 3))
    covariance = np.cov(latents.T, bias=True)
    off = np.sum(covariance**2) - np.sum(np.diag(covariance) ** 2)
    expected = (
        np.mean(latents.mean(axis=0) ** 2)
        + np.mean((latents.std(axis=0) - 1) ** 2)
        + 0.5 * off / 9
    )
    found = losses.latent_prior_loss(tf.constant(latents))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_defect_loss_equals_its_formula():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=[3, 4, 5, 1]).astype(np.float32)
    masks = (generator.random([3, 4, 5, 1]) < 0.3).astype(np.float32)
    p = sigmoid(logits)
    entropy = -np.mean(4 * masks * np.log(p) + (1 - masks) * np.log(1 - p))
    dice = 1 - 2 * np.sum(p * masks) / (np.sum(p) + np.sum(masks) + 1)
    found = losses.defect_loss(logits, masks)
    np.testing.assert_allclose(found, entropy + 0.5 * dice, rtol=1e-5)


def test_images_without_defects_need_not_be_certain():
    """The Dice loss of each image by itself would be near 1 for them."""
    masks = np.zeros([8, 16, 16, 1], np.float32)
    masks[:4, :8, :8] = 1.0
    good = losses.defect_loss(8.0 * masks - 4.0, masks)
    assert float(good) < 0.1 * float(losses.defect_loss(0.0 * masks, masks))
