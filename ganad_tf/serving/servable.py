"""The servable: the part of a fitted detector that a SavedModel holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ganad_tf.data import image_tensors
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.weights_digest import inference_weights
from ganad_tf.score_parts import MAP_LIMIT
from ganad_tf.score_parts import SCALARS

# Name and input of each signature.
SIGNATURES = {
    "serving_default": "image_bytes",
    "images": "images",
    "score": "image_bytes",
    "inspect": "image_bytes",
}
# Of pixels in a batch; larger batches are refused.
MAX_BATCH_VALUES = 2**26
_LEAST_LIMIT = 64
# 8-bit values per unit in the PNGs of anomaly maps.
MAP_SCALE = 255.0 / MAP_LIMIT


class Servable:
    """Plain variables, and the functions of the signatures that read them.

    Keras models must not be tracked: a SavedModel that tracks Keras variables
    loads in Python but fails at its first run in the C++ loader. Tracked
    functions would be stored twice.

    Args:
        detector: Fitted `OneClassDetector`.

    Attributes:
        module: `tf.Module` with the variables, the object to be saved.
    """

    def __init__(self, detector: OneClassDetector):
        self.module = tf.Module()
        self.module.variables_ = inference_weights(detector)
        self._size = list(detector.image_shape)
        # One graph for all signatures: its constants are stored once.
        self._detect = tf.function(
            _guarded(detector.detect_batch, self._size),
            input_signature=[tf.TensorSpec([None, *self._size], name="images")],
            autograph=False,
        )

    def signatures(self) -> dict[str, Any]:
        """The concrete functions of all signatures, by name."""
        specs = {
            "image_bytes": tf.TensorSpec([None], tf.string, "image_bytes"),
            "images": tf.TensorSpec([None, *self._size], name="images"),
        }
        functions = {
            "serving_default": self._all_of_bytes,
            "images": self._all_of_images,
            "score": self._scalars,
            "inspect": self._pictures,
        }
        return {
            name: tf.function(
                functions[name], input_signature=[specs[key]], autograph=False
            ).get_concrete_function()
            for name, key in SIGNATURES.items()
        }

    def _decode(self, image_bytes: tf.Tensor) -> tf.Tensor:
        *size, channels = self._size

        def decode(one):
            image = image_tensors.decode_image(one, channels=channels)
            return image_tensors.resize_image(image, image_size=tuple(size))

        return tf.map_fn(
            decode,
            _bounded(image_bytes, self._size),
            fn_output_signature=tf.TensorSpec(self._size),
        )

    def _all_of_images(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = _bounded(pixels, self._size)
        return all_outputs(self._detect(_scaled(pixels)))

    def _all_of_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return all_outputs(self._detect(self._decode(image_bytes)))

    def _scalars(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return _scalar_outputs(self._detect(self._decode(image_bytes)))

    def _pictures(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        detection = self._detect(self._decode(image_bytes))
        return {
            **_scalar_outputs(detection),
            "reconstruction_png_bytes": _pngs(
                (detection.reconstructions + 1.0) * 127.5
            ),
            "anomaly_map_png_bytes": _pngs(
                detection.anomaly_maps[..., None] * MAP_SCALE
            ),
        }


def _bounded(batch: tf.Tensor, size: list[int]) -> tf.Tensor:
    """The batch, for ops that must not run on one beyond the memory."""
    limit = max(_LEAST_LIMIT, MAX_BATCH_VALUES // math.prod(size))
    count = tf.shape(batch)[0]
    message = tf.strings.format(
        f"a batch of {{}} images is too large: expected at most {limit}", count
    )
    small = tf.debugging.Assert(count <= limit, [message])
    with tf.control_dependencies([small]):
        return tf.identity(batch)


def _scaled(pixels: tf.Tensor) -> tf.Tensor:
    """Scales pixels of 0 to 255 to [-1, 1], bit for bit as PNG files are.

    TensorFlow decodes them by way of 16 bits. The casts keep its runtime from
    merging the two factors, which would round differently.
    """
    wide = tf.cast(tf.cast(pixels, tf.float64) * 257.0, tf.float32)
    return 2.0 * (wide * np.float32(1.0 / 65535.0)) - 1.0


def _guarded(detect: Callable, size: list[int]) -> Callable:
    """Runs an empty batch as one black image, and drops its row."""

    def guarded(batch: tf.Tensor) -> Detection:
        count = tf.shape(batch)[0]
        batch = tf.cond(
            tf.equal(count, 0), lambda: tf.zeros([1, *size]), lambda: batch
        )
        batch = tf.ensure_shape(batch, [None, *size])
        return Detection(*(part[:count] for part in detect(batch)))

    return guarded


def _scalar_outputs(detection: Detection) -> dict[str, tf.Tensor]:
    return {name: getattr(detection, field) for name, field in SCALARS.items()}


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
