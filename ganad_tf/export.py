"""Export: the fitted detector as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ganad_tf import artifacts
from ganad_tf import images as image_files
from ganad_tf import report
from ganad_tf import warmup
from ganad_tf.detector import Detection
from ganad_tf.detector import OneClassDetector

# 8-bit values a standard deviation in the PNGs of anomaly maps.
MAP_SCALE = 255.0 / report.MAP_LIMIT
SCALARS = (
    "anomaly_score",
    "frechet_score",
    "reconstruction_error",
    "p_value",
    "is_defective",
)
_PARITY = 1e-4


class _Servable(tf.Module):
    """What is written: plain variables, and functions that read them.

    Keras models must not be attributes: a SavedModel that tracks Keras
    variables loads in Python and fails at the first run in the C++ loader.
    """

    def __init__(self, detector: OneClassDetector, size: list[int]):
        super().__init__()
        self.tf_variables = _inference_variables(detector)
        # One graph for all signatures, so that its constants exist once.
        self._detect = tf.function(
            _guarded(detector.detect, size),
            input_signature=[tf.TensorSpec([None, *size], name="images")],
        )
        self._size = size

    def signatures(self) -> dict[str, Any]:
        """The concrete functions of all signatures, by name."""
        image_bytes = tf.TensorSpec([None], tf.string, name="image_bytes")
        images = tf.TensorSpec([None, *self._size], name="images")
        functions = {
            "serving_default": (self._all_of_bytes, image_bytes),
            "images": (self._all_of_images, images),
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
        size, _, channels = self._size

        def decode(one):
            image = image_files.decode_image(one, channels=channels)
            return image_files.resize_image(image, image_size=size)

        return tf.map_fn(
            decode,
            image_bytes,
            fn_output_signature=tf.TensorSpec(self._size),
        )

    def _all_of_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return _all_outputs(self._detect(images / 127.5 - 1.0))

    def _all_of_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return _all_outputs(self._detect(self._decoded(image_bytes)))

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


def _guarded(detect: Callable, size: list[int]) -> Callable:
    """An empty batch goes through as one black image, which is cut off."""

    def guarded(images: tf.Tensor) -> Detection:
        count = tf.shape(images)[0]
        images = tf.cond(
            tf.equal(count, 0), lambda: tf.zeros([1, *size]), lambda: images
        )
        images = tf.ensure_shape(images, [None, *size])
        return Detection(*(part[:count] for part in detect(images)))

    return guarded


def _scalar_outputs(detection: Detection) -> dict[str, tf.Tensor]:
    return {
        "anomaly_score": detection.anomaly_scores,
        "frechet_score": detection.frechet_scores,
        "reconstruction_error": detection.reconstruction_errors,
        "p_value": detection.p_values,
        "is_defective": detection.is_defective,
    }


def _all_outputs(detection: Detection) -> dict[str, tf.Tensor]:
    return {
        **_scalar_outputs(detection),
        "reconstruction": (detection.reconstructions + 1.0) * 127.5,
        "anomaly_map": detection.anomaly_maps,
        "latents": detection.latents,
    }


def _pngs(pictures: tf.Tensor) -> tf.Tensor:
    values = tf.cast(tf.clip_by_value(pictures + 0.5, 0.0, 255.0), tf.uint8)
    return tf.map_fn(tf.io.encode_png, values, fn_output_signature=tf.string)


def next_version(export_dir: str) -> int:
    """The integer after the largest version in a folder; 1 for none."""
    names = os.listdir(export_dir) if os.path.isdir(export_dir) else []
    return max((int(name) for name in names if name.isdigit()), default=0) + 1


def export_saved_model(
    detector: OneClassDetector,
    export_dir: str,
    *,
    image_size: int,
    channels: int,
    name: str,
    version: int | None = None,
    facts: dict[str, Any],
) -> str:
    """Writes a fitted detector as a SavedModel with four signatures.

    `serving_default`, `score` and `inspect` take encoded images, `images`
    takes pixels of 0 to 255. The folder gets its name when it is whole and a
    session of the C++ runtime has given the detector's own numbers.

    Args:
        detector: Fitted `OneClassDetector`.
        export_dir: Folder of the versions.
        image_size: Side of the model's images in pixels.
        channels: 1 or 3.
        name: The model's name in TensorFlow Serving.
        version: Integer, 1 or above; the next free one by default.
        facts: Further entries of the manifest.

    Returns:
        path: The folder of the version.

    Raises:
        ValueError: If the version is there already or not an integer above 0.
        RuntimeError: If the written model gives other numbers.
    """
    version = next_version(export_dir) if version is None else version
    path = os.path.join(export_dir, str(version))
    if version < 1 or os.path.exists(path):
        raise ValueError(
            f"Invalid value for argument `version`. Expected a new integer "
            f"above 0. Received: version={version}, and {export_dir} has "
            f"{sorted(os.listdir(export_dir)) if version > 0 else 'others'}"
        )
    size = [image_size, image_size, channels]
    with artifacts.new_directory(path, replace=False) as part:
        servable = _Servable(detector, size)
        tf.saved_model.save(servable, part, signatures=servable.signatures())
        _check_parity(detector, part, size)
        extra = os.path.join(part, "assets.extra")
        warmup.write_warmup_requests(
            os.path.join(extra, "tf_serving_warmup_requests"),
            model_name=name,
            size=size,
        )
        manifest = {
            "name": name,
            "version": version,
            "image_size": image_size,
            "channels": channels,
            "alpha": detector.alpha,
            "threshold": detector.calibrator_.threshold_,
            "num_calibration": len(detector.calibrator_.scores_),
            "detector": detector.get_config(),
            **facts,
            "git_commit": _git_commit(),
            "fingerprint": _fingerprint(part),
        }
        artifacts.write_json(os.path.join(extra, "manifest.json"), manifest)
    return path


def _fingerprint(path: str) -> dict[str, str]:
    found = tf.saved_model.experimental.read_fingerprint(path)
    names = (
        "saved_model_checksum",
        "graph_def_program_hash",
        "checkpoint_hash",
    )
    return {name: str(getattr(found, name)) for name in names}


def _git_commit() -> str | None:
    """The commit of the package's checkout; None outside of one."""
    folder = os.path.dirname(os.path.abspath(__file__))
    try:
        answer = subprocess.run(
            ["git", "-C", folder, "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return answer.stdout.strip() or None


def _check_parity(
    detector: OneClassDetector, path: str, size: list[int]
) -> None:
    """Runs the written model in a session, as the C++ loader does."""
    noise = np.random.default_rng(0).uniform(0.0, 255.0, [2, *size])
    images = noise.astype(np.float32)
    expected = detector.detect(tf.constant(images / 127.5 - 1.0))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], path)
        signature = loaded.signature_def["images"]
        scores = session.run(
            signature.outputs["anomaly_score"].name,
            {signature.inputs["images"].name: images},
        )
    if not np.allclose(scores, expected.anomaly_scores, _PARITY, _PARITY):
        raise RuntimeError(
            "The exported model does not give the detector's scores: "
            f"expected {expected.anomaly_scores.numpy()}, received {scores}"
        )
