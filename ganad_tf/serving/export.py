"""Export: the fitted detector as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import tensorflow as tf
from absl import logging

from ganad_tf import artifacts
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.serving import c_api
from ganad_tf.serving import parity
from ganad_tf.serving import warmup
from ganad_tf.serving.servable import Servable

# What TensorFlow Serving reads with --enable_per_model_batching_parameters.
_BATCHING_PARAMETERS = """\
# Requests that wait for a thread are joined, up to so many images. Rows do not
# depend on each other, so no batch size needs to be fixed or padded.
max_batch_size { value: 64 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 256 }
num_batch_threads { value: 2 }
"""


def next_version(export_dir: str) -> int:
    """The integer after the largest version in a folder; 1 for none."""
    names = os.listdir(export_dir) if os.path.isdir(export_dir) else []
    return max((int(name) for name in names if name.isdigit()), default=0) + 1


def export_saved_model(
    detector: OneClassDetector,
    export_dir: str,
    *,
    name: str,
    version: int | None = None,
    facts: dict[str, Any],
    check_images: list[bytes] | None = None,
) -> str:
    """Writes a fitted detector as a SavedModel with four signatures.

    `serving_default`, `score` and `inspect` take encoded images, `images`
    takes pixels of 0 to 255. The folder gets its name when it is whole and
    `parity.check_saved_model` has found the detector's own numbers in it.

    Args:
        detector: Fitted `OneClassDetector`.
        export_dir: Folder of the versions.
        name: The model's name in TensorFlow Serving.
        version: Integer, 1 or above; the next free one by default.
        facts: Further entries of the manifest.
        check_images: Encoded images for the check; noise by default.

    Returns:
        path: The folder of the version.

    Raises:
        ValueError: If the version is there already or not an integer above 0.
        ModelError: If the written model does not run in the C++ runtime or
            gives other numbers; it is a RuntimeError.
    """
    version = next_version(export_dir) if version is None else version
    path = os.path.join(export_dir, str(version))
    if version < 1 or os.path.exists(path):
        raise ValueError(
            f"Invalid value for argument `version`. Expected a new integer "
            f"above 0. Received: version={version}, and {export_dir} has "
            f"{sorted(os.listdir(export_dir)) if version > 0 else 'others'}"
        )
    with artifacts.new_directory(path, replace=False) as part:
        _write(Servable(detector), part)
        warmup.write_warmup_requests(
            os.path.join(part, warmup.WARMUP_NAME),
            model_name=name,
            size=list(detector.image_shape),
        )
        artifacts.write_text(
            os.path.join(part, "batching_params.pbtxt"), _BATCHING_PARAMETERS
        )
        manifest = {
            "name": name,
            "version": version,
            **_manifest(detector),
            **facts,
            "git_commit": _git_commit(),
            "fingerprint": _fingerprint(part),
        }
        extra = os.path.join(part, "assets.extra")
        artifacts.write_json(os.path.join(extra, "manifest.json"), manifest)
        _check(detector, part, check_images)
    return path


def _write(servable: Servable, path: str) -> None:
    """Writes the SavedModel, without TensorFlow's notes on internals."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        tf.saved_model.save(
            servable.module, path, signatures=servable.signatures()
        )
    finally:
        logging.set_verbosity(verbosity)


def _manifest(detector: OneClassDetector) -> dict[str, Any]:
    """What the manifest says of the detector itself."""
    *image_size, channels = detector.image_shape
    return {
        "image_size": image_size,
        "channels": channels,
        "alpha": detector.alpha,
        "threshold": detector.calibrator_.threshold_,
        "map_threshold": detector.map_calibrator_.threshold_,
        "num_calibration": len(detector.calibrator_.scores_),
        "detector": detector.get_config(),
    }


def _check(detector, path: str, check_images: list[bytes] | None) -> None:
    """Writes what the check of parity found, or raises if it failed."""
    check_images = check_images or parity.noise_images(detector.image_shape)
    found = parity.check_saved_model(path, check_images, detector=detector)
    failed = parity.failures(found)
    if failed:
        raise c_api.ModelError(
            "The exported model does not give the detector's numbers and is "
            f"not published: {'; '.join(failed)}"
        )
    report = {key: found[key] for key in ("num_images", "tolerance", "checks")}
    artifacts.write_json(
        os.path.join(path, "assets.extra", "parity.json"), report
    )


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
