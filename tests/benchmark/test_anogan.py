import numpy as np
import tensorflow as tf
from conftest import make_parts

from ganad_tf.benchmark import anogan


def test_an_image_is_searched_for_alone_and_the_loss_falls(tiny_gan):
    images = make_parts(3, seed=1)
    starts = tiny_gan.sample_latents(3, seed=tf.constant([0, 0]))
    search = anogan.AnoGanSearch(tiny_gan, 15)
    together = search.scores(images, starts).numpy()
    for row in range(3):
        one = slice(row, row + 1)
        alone = search.scores(images[one], starts[one])
        np.testing.assert_allclose(alone, together[one], rtol=1e-4)
    at_start = anogan.AnoGanSearch(tiny_gan, 0).scores(images, starts)
    assert (together < at_start.numpy()).all()


def test_the_adam_is_that_of_keras(tiny_gan):
    images = tf.constant(make_parts(1, seed=1))
    latents = tf.Variable(tiny_gan.sample_latents(1, seed=tf.constant([0, 0])))
    search = anogan.AnoGanSearch(tiny_gan, 4)
    scores = search.scores(images, latents)
    adam = tf.keras.optimizers.Adam(anogan.LEARNING_RATE, epsilon=1e-8)
    for _ in range(4):
        with tf.GradientTape() as tape:
            losses = search.losses(images, latents)
        adam.apply_gradients([(tape.gradient(losses, latents), latents)])
    np.testing.assert_allclose(
        search.losses(images, latents), scores, rtol=1e-4
    )
