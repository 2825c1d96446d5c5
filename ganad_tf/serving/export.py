"""Export: a fitted detector as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from absl import logging

from ganad_tf import artifacts
from ganad_tf import remote
from ganad_tf import staging
from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.model_folder import image_batches
from ganad_tf.detector.model_folder import load_detector
from ganad_tf.detector.storage import WEIGHTS_KEY
from ganad_tf.detector.weights_digest import weights_digest
from ganad_tf.errors import UserError
from ganad_tf.model_versions import next_version
from ganad_tf.serving import comparison
from ganad_tf.serving import parity
from ganad_tf.serving import warmup
from ganad_tf.serving.saved_model import ModelError
from ganad_tf.serving.servable import Servable
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.version import versions

NUM_CHECK_IMAGES = 8
# What TensorFlow Serving reads with --enable_per_model_batching_parameters.
_BATCHING_PARAMETERS = """\
# Requests that wait for a thread are joined, up to so many images. Rows do not
# depend on each other, so no batch size needs to be fixed or padded.
max_batch_size { value: 64 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 256 }
num_batch_threads { value: 2 }
"""


@staging.staged("model_dir")
def export_saved_model(
    model_dir: str,
    export_dir: str,
    *,
    name: str | None = None,
    version: int | None = None,
    num_steps: int | None = None,
    data: str | None = None,
    batch_size: int = 64,
) -> str:
    """Exports a trained and fitted model as the next SavedModel version.

    Args:
        model_dir: Folder of the model, with its fitted detector.
        export_dir: Folder of the versions.
        name: The model's name in TensorFlow Serving; that of `export_dir` by
            default.
        version: Integer, 1 or above; the next free one by default.
        num_steps: Steps of the inversion: fewer are faster. For another number
            than the model's the detector is fitted and calibrated again.
        data: The data that the GAN was trained on: needed for another
            `num_steps`, and to check the export by real images, not noise.
        batch_size: Images at a time where the detector is fitted again.

    Returns:
        path: Folder of the version.

    Raises:
        UserError: If the model is not there or not fitted, the version is
            there already, or `data` is missing.
        ModelError: If the written model gives other numbers.
    """
    config = TrainingConfig.load(model_dir)
    use_determinism(config.seed)
    detector = load_detector(model_dir)
    split = dataset.load_split(data, model_dir) if data else None
    if num_steps not in (None, detector.inverter.num_steps):
        detector = _with_steps(detector, split, num_steps, batch_size)
    recorded = artifacts.read_json(
        os.path.join(model_dir, dataset.SPLIT_NAME), made_by="train_gan.py"
    )
    with staging.local_folder(export_dir, names_only=True) as folder:
        path = export_detector(
            detector,
            folder,
            name=name,
            version=version,
            facts=facts_of_run(config, recorded),
            check_images=split and _check_images(split),
        )
    return remote.join(export_dir, os.path.basename(path))


def refit(
    detector: OneClassDetector,
    training_batches: Iterable[tf.Tensor],
    calibration_batches: Iterable[tf.Tensor],
    *,
    num_steps: int,
) -> OneClassDetector:
    """Fits and calibrates a detector for another number of inversion steps.

    Scores of different numbers are not comparable, so nothing fitted is
    reused: neither statistics nor calibration.

    Args:
        detector: `OneClassDetector`; it is not changed.
        training_batches: As of `OneClassDetector.fit`.
        calibration_batches: As of `OneClassDetector.fit`.
        num_steps: Steps of the inversion, 0 or more.

    Returns:
        refitted: A detector of otherwise the same arguments.
    """
    # A new detector, since the old one's graph holds its statistics.
    inverter = detector.get_config()["inverter"] | {"num_steps": num_steps}
    refitted = detector.unfitted(inverter=inverter)
    return refitted.fit(training_batches, calibration_batches)


def _with_steps(
    detector: OneClassDetector,
    split: dataset.Split | None,
    num_steps: int,
    batch_size: int,
) -> OneClassDetector:
    if split is None:
        raise UserError(
            f"--num_steps={num_steps} differs from the "
            f"{detector.inverter.num_steps} steps that the detector is "
            "calibrated for. Expected --data, to calibrate it again"
        )
    train, calibration = (
        image_batches(detector, files, batch_size=batch_size)
        for files in (split.train, split.calibration)
    )
    return refit(detector, train, calibration, num_steps=num_steps)


def _check_images(split: dataset.Split) -> list[bytes]:
    return [
        image_files.read_image_bytes(file.path)
        for file in split.calibration[:NUM_CHECK_IMAGES]
    ]


def facts_of_run(
    config: TrainingConfig, split: dict[str, Any]
) -> dict[str, Any]:
    """What the manifest says of the training run.

    Args:
        config: Its configuration.
        split: Content of its `split.json`.

    Returns:
        facts: Entries of the manifest.
    """
    return {
        "method": config.method,
        "seed": config.seed,
        "data": {
            "name": split["data"],
            "num_train": len(split["train"]),
            "num_calibration": len(split["calibration"]),
        },
        "versions": versions(),
    }


def export_detector(
    detector: OneClassDetector,
    export_dir: str,
    *,
    name: str | None = None,
    version: int | None = None,
    facts: dict[str, Any] | None = None,
    check_images: list[bytes] | None = None,
    record: Callable[[int], None] | None = None,
) -> str:
    """Writes a fitted detector as a SavedModel with four signatures.

    `serving_default`, `score` and `inspect` take encoded images, `images`
    takes pixels of 0 to 255. The folder appears when it is complete and
    `parity.check_saved_model` has found the detector's own numbers in it.

    Args:
        detector: Fitted `OneClassDetector`.
        export_dir: Folder of the versions.
        name: The served model's name; that of `export_dir` by default.
        version: Integer, 1 or above; the next free one by default.
        facts: Further entries of the manifest.
        check_images: Encoded images for the check; noise by default.
        record: Called with its number just before the version appears.

    Returns:
        path: Folder of the version.

    Raises:
        UserError: If the version is there already or below 1.
        ModelError: If the written model does not run in the C++ runtime or
            gives other numbers.
    """
    name = name or os.path.basename(os.path.abspath(export_dir))
    if version is not None:
        _check_version(export_dir, version)
    hidden = os.path.join(export_dir, str(version or "next"))
    with artifacts.unpublished_directory(hidden) as part:
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
            **_describe(detector),
            **(facts or {}),
            "git_commit": _git_commit(),
            "fingerprint": _fingerprint(part),
        }
        _write_manifest(part, manifest, version)
        _check(detector, part, check_images)
        return _publish(part, export_dir, manifest, version, record)


def _write_manifest(
    path: str, manifest: dict[str, Any], version: int | None
) -> None:
    path = os.path.join(path, "assets.extra", "manifest.json")
    names = {"name": manifest["name"], "version": version}
    artifacts.write_json(path, names | manifest)


def _publish(
    part: str,
    export_dir: str,
    manifest: dict[str, Any],
    version: int | None,
    record: Callable[[int], None] | None,
) -> str:
    """Publishes a version; its number is the next free one by default.

    The number is taken at the last moment: another export to the same folder
    may have taken the one that was free at the start.
    """
    while True:
        number = next_version(export_dir) if version is None else version
        path = os.path.join(export_dir, str(number))
        _write_manifest(part, manifest, number)
        if record is not None:
            record(number)
        try:
            artifacts.publish(part, path)
        except artifacts.ExistsError:
            if version is not None:
                raise
        else:
            return path


def _check_version(export_dir: str, version: int) -> None:
    path = os.path.join(export_dir, str(version))
    if version < 1 or os.path.exists(path):
        existing = os.listdir(export_dir) if os.path.isdir(export_dir) else []
        raise UserError(
            "Invalid value for argument `version`. Expected a new integer "
            f"above 0. Received: version={version}, and {export_dir} has "
            f"{sorted(existing)}"
        )


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


def _describe(detector: OneClassDetector) -> dict[str, Any]:
    """What the manifest says of the detector itself."""
    *image_size, channels = detector.image_shape
    return {
        "image_size": image_size,
        "channels": channels,
        "alpha": detector.alpha,
        "threshold": detector.calibrator_.threshold_,
        "map_threshold": detector.map_calibrator_.threshold_,
        "num_calibration": len(detector.calibrator_.scores_),
        WEIGHTS_KEY: weights_digest(detector),
        "detector": detector.get_config(),
    }


def _check(detector, path: str, check_images: list[bytes] | None) -> None:
    """Writes the result of the parity check, or raises if it failed."""
    check_images = check_images or parity.noise_images(detector.image_shape)
    report = parity.check_saved_model(path, check_images, detector=detector)
    failed = comparison.failures(report["checks"])
    if failed:
        raise ModelError(
            "The exported model does not give the detector's numbers and is "
            f"not published: {'; '.join(failed)}"
        )
    kept = {key: report[key] for key in ("num_images", "tolerance", "checks")}
    path = os.path.join(path, "assets.extra", "parity.json")
    artifacts.write_json(path, kept)


def _fingerprint(path: str) -> dict[str, str]:
    fingerprint = tf.saved_model.experimental.read_fingerprint(path)
    names = (
        "saved_model_checksum",
        "graph_def_program_hash",
        "checkpoint_hash",
    )
    return {name: str(getattr(fingerprint, name)) for name in names}


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
