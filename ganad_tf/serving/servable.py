"""The servable: what of a fitted detector goes into a SavedModel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ganad_tf.data import image_tensors
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.score_parts import MAP_LIMIT

# 8-bit values a unit in the PNGs of anomaly maps.
MAP_SCALE = 255.0 / MAP_LIMIT
SCALARS = (
    "anomaly_score",
    "frechet_score",
    "reconstruction_error",
    "p_value",
    "is_defective",
)


class Servable:
    """What is written: plain variables, and functions that read them.

    Keras models must not be tracked: a SavedModel that tracks Keras variables
    loads in Python and fails at the first run in the C++ loader. Tracked
    functions would be stored a second time.

    Args:
        detector: Fitted `OneClassDetector`.

    Attributes:
        module: `tf.Module` with the variables, the object to be saved.
    """

    def __init__(self, detector: OneClassDetector):
        self.module = tf.Module()
        self.module.variables_ = _inference_variables(detector)
        self._size = list(detector.image_shape)
        # One graph for all signatures, so that its constants exist once.
        self._detect = tf.function(
            _guarded(detector.detect, self._size),
            input_signature=[tf.TensorSpec([None, *self._size], name="images")],
        )

    def signatures(self) -> dict[str, Any]:
        """The concrete functions of all signatures, by name."""
        image_bytes = tf.TensorSpec([None], tf.string, name="image_bytes")
        pixels = tf.TensorSpec([None, *self._size], name="images")
        functions = {
            "serving_default": (self._all_of_bytes, image_bytes),
            "images": (self._all_of_images, pixels),
            "score": (self._scalars, image_bytes),
            "inspect": (self._pictures, image_bytes),
        }
        return {
            name: tf.function(
                function, input_signature=[spec], autograph=False
            ).get_concrete_function()
            for name, (function, spec) in functions.items()
        }

    def _decoded(self, image_bytes: tf.Tensor) -> tf.Tensor:
        *size, channels = self._size

        def decode(one):
            image = image_tensors.decode_image(one, channels=channels)
            return image_tensors.resize_image(image, image_size=tuple(size))

        return tf.map_fn(
            decode,
            image_bytes,
            fn_output_signature=tf.TensorSpec(self._size),
        )

    def _all_of_images(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        return all_outputs(self._detect(_scaled(pixels)))

    def _all_of_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return all_outputs(self._detect(self._decoded(image_bytes)))

    def _scalars(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return _scalar_outputs(self._detect(self._decoded(image_bytes)))

    def _pictures(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        detection = self._detect(self._decoded(image_bytes))
        return {
            **_scalar_outputs(detection),
            "reconstruction_png_bytes": _pngs(
                (detection.reconstructions + 1.0) * 127.5
            ),
            "anomaly_map_png_bytes": _pngs(
                detection.anomaly_maps[..., None] * MAP_SCALE
            ),
        }


def _inference_variables(detector: OneClassDetector) -> list[tf.Variable]:
    gan = detector.gan
    owners = [gan.ema_generator, gan.ema_encoder, gan.linear_head]
    return [v.value for owner in owners if owner for v in owner.weights]


def _scaled(pixels: tf.Tensor) -> tf.Tensor:
    """Pixels of 0 to 255 as [-1, 1], to the bit as PNG files are decoded.

    TensorFlow decodes them by way of 16 bits. The casts keep its runtime from
    joining the two factors, which would round otherwise.
    """
    wide = tf.cast(tf.cast(pixels, tf.float64) * 257.0, tf.float32)
    return 2.0 * (wide * np.float32(1.0 / 65535.0)) - 1.0


def _guarded(detect: Callable, size: list[int]) -> Callable:
    """An empty batch goes through as one black image, which is cut off."""

    def guarded(batch: tf.Tensor) -> Detection:
        count = tf.shape(batch)[0]
        batch = tf.cond(
            tf.equal(count, 0), lambda: tf.zeros([1, *size]), lambda: batch
        )
        batch = tf.ensure_shape(batch, [None, *size])
        return Detection(*(part[:count] for part in detect(batch)))

    return guarded


def _scalar_outputs(detection: Detection) -> dict[str, tf.Tensor]:
    return {
        "anomaly_score": detection.anomaly_scores,
        "frechet_score": detection.frechet_scores,
        "reconstruction_error": detection.reconstruction_errors,
        "p_value": detection.p_values,
        "is_defective": detection.is_defective,
    }


def all_outputs(detection: Detection) -> dict[str, tf.Tensor]:
    """The outputs of `serving_default` and `images`, by name."""
    return {
        **_scalar_outputs(detection),
        "reconstruction": (detection.reconstructions + 1.0) * 127.5,
        "anomaly_map": detection.anomaly_maps,
        "latents": detection.latents,
    }


def _pngs(pictures: tf.Tensor) -> tf.Tensor:
    values = tf.cast(tf.clip_by_value(pictures + 0.5, 0.0, 255.0), tf.uint8)
    return tf.map_fn(tf.io.encode_png, values, fn_output_signature=tf.string)
