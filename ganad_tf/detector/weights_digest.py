"""The digest of the weights that a detector judges by.

Statistics and calibration hold for the networks they were fitted with. The
digest binds them: a GAN that was trained again has another one.
"""

from __future__ import annotations

import hashlib

import keras
import numpy as np
import tensorflow as tf

from ganad_tf.detector.graph import DetectorGraph


def inference_weights(detector: DetectorGraph) -> list[tf.Variable]:
    """The weights that judging reads, in a fixed order; no others.

    Args:
        detector: Fitted or not.

    Returns:
        weights: Of the generator and the encoder (moving averages), the linear
            head and the U-Net discriminator, as far as it has them.
    """
    gan = detector.gan
    owners: list[keras.Model | keras.layers.Layer | None]
    owners = [gan.ema_generator, gan.ema_encoder, gan.linear_head]
    owners += [] if detector.field is None else [detector.field.unet]
    return [v.value for owner in owners if owner for v in owner.weights]


def weights_digest(detector: DetectorGraph) -> str:
    """SHA-256 of the weights that judging reads, their shapes included.

    Args:
        detector: Fitted or not.

    Returns:
        digest: 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for weight in inference_weights(detector):
        values = np.asarray(weight)
        digest.update(f"{values.dtype}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
