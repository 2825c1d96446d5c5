"""The field discriminator: trains the U-Net discriminators on crops.

They learn, for each pixel of qualified images at their own resolution, whether
a synthetic defect changed it, and one of them what the pixel was before. What
the detector reads is not their verdict alone but their features: what is needed
to tell every kind of local change from what qualified images show.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ganad_tf import replicas
from ganad_tf.gan import losses
from ganad_tf.gan.optimizers import FINAL_SHARE
from ganad_tf.gan.synthetic_defects import paste_defects
from ganad_tf.gan.unet_discriminator import NETWORKS

LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-4
# Weight of the L1 distance of restored to clean images in the restorer's loss.
RESTORATION_WEIGHT = 5.0
# Deviations of the random gain and offset of crops, so that a small change of
# light is no defect.
GAIN, OFFSET = 0.03, 0.02


class FieldDiscriminator(keras.Model):
    """Trains U-Net discriminators against synthetic defects.

    Args:
        unet: What `build_unet_discriminator` returns.
        num_steps: Steps of the whole training run.
        seed: Of defects and augmentation. Every draw is a function of seed
            and step, so a resumed run equals an uninterrupted one.

    Example:
    >>> from ganad_tf.gan.unet_discriminator import build_unet_discriminator
    >>> unet = build_unet_discriminator(channels=1, width=4)
    >>> model = FieldDiscriminator(unet, num_steps=2)
    >>> model.compile()
    >>> logs = model.train_on_batch(tf.zeros([7, 32, 32, 1]), return_dict=True)
    >>> sorted(logs)
    ['defect_loss', 'defect_recall', 'restoration_loss']
    """

    def __init__(
        self, unet: keras.Model, *, num_steps: int, seed: int = 0, **kwargs
    ):
        super().__init__(**kwargs)
        self.unet = unet
        self.num_steps = num_steps
        self.seed = seed
        self.step = self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            name="step",
            trainable=False,
        )
        self._defect_loss = keras.metrics.Mean(name="defect_loss")
        self._restoration_loss = keras.metrics.Mean(name="restoration_loss")
        self._recall = keras.metrics.Recall(name="defect_recall", thresholds=0)
        self.built = True

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [self._defect_loss, self._restoration_loss, self._recall]

    def compile(self, learning_rate: float = LEARNING_RATE, **kwargs) -> None:
        """Makes the optimizer: AdamW with a decaying step size.

        Args:
            learning_rate: Before the decay.
            **kwargs: `run_eagerly` and so on of Keras.
        """
        super().compile(optimizer=None, **{"jit_compile": False, **kwargs})
        self.unet_optimizer = keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(
                learning_rate, max(self.num_steps, 1), alpha=FINAL_SHARE
            ),
            weight_decay=WEIGHT_DECAY,
        )
        self.unet_optimizer.build(self.unet.trainable_variables)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return self.unet(images)[f"{NETWORKS[0]}/logits"]

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step on a batch of qualified crops, of static shape."""
        crops, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        seeds = tf.random.experimental.stateless_split(
            tf.stack([self.seed, self.step.value]), 2
        )
        # Losses and draws are of the whole batch, the network sees own rows.
        crops = augment(replicas.whole_batch(crops), seed=seeds[0])
        defective = paste_defects(
            crops, tf.roll(crops, 1, axis=0), seed=seeds[1]
        )
        with tf.GradientTape() as tape:
            outputs = self.unet(
                replicas.own_rows(defective.images), training=True
            )
            logits = [
                replicas.whole_batch(outputs[f"{name}/logits"])
                for name in NETWORKS
            ]
            restored = replicas.whole_batch(outputs["restored"])
            defect_loss = tf.add_n(
                [losses.defect_loss(given, defective.masks) for given in logits]
            )
            restoration_loss = tf.reduce_mean(tf.abs(restored - crops))
            loss = defect_loss + RESTORATION_WEIGHT * restoration_loss
        variables = self.unet.trainable_variables
        self.unet_optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )
        self.step.assign_add(1)
        self._defect_loss.update_state(defect_loss / len(NETWORKS))
        self._restoration_loss.update_state(restoration_loss)
        self._recall.update_state(defective.masks, logits[0])
        return replicas.as_logs({m.name: m.result() for m in self.metrics})


def augment(images: tf.Tensor, *, seed: tf.Tensor) -> tf.Tensor:
    """Changes the light of images, each by a random gain and offset.

    Args:
        images: float32 of shape (batch, height, width, channels) in [-1, 1].
        seed: Integers of shape (2,).

    Returns:
        augmented: float32 of the same shape, not clipped.
    """
    shape = [2, tf.shape(images)[0], 1, 1, 1]
    gain, offset = tf.unstack(
        tf.random.stateless_normal(shape, seed, alg="philox"), num=2
    )
    return images * tf.exp(GAIN * gain) + OFFSET * offset
