"""Parity: an exported model gives the same numbers on every way to it.

Images go through the C API of TensorFlow's library (the loader of TensorFlow
Serving), through `saved_model_cli run` (a session in Python) and, where it is
given, through the detector that was exported. Rows are compared one by one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf import artifacts
from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.data import image_tensors
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.storage import WEIGHTS_KEY
from ganad_tf.detector.weights_digest import weights_digest
from ganad_tf.errors import UserError
from ganad_tf.serving import cpp_runtime
from ganad_tf.serving import servable
from ganad_tf.serving import warmup
from ganad_tf.serving.comparison import TOLERANCE
from ganad_tf.serving.comparison import Comparison
from ganad_tf.serving.comparison import Outputs
from ganad_tf.serving.saved_model import ModelError
from ganad_tf.serving.saved_model import read_manifest
from ganad_tf.serving.servable import SIGNATURES

NUM_THREADS = 8
NUM_NOISE_IMAGES = 6
_BATCH_SIZE = 64

# TensorFlow starts once for all signatures. The inputs are what a user would
# type for --inputs; neither this package nor Keras can be imported.
_CLI_SCRIPT = f"""
import sys
sys.modules["ganad_tf"] = sys.modules["keras"] = None
from tensorflow.python.tools import saved_model_cli
path, source, folder = sys.argv[1:]
for signature, key in {SIGNATURES}.items():
    given = saved_model_cli.load_inputs_from_input_arg_string(
        f"{{key}}={{source}}[{{key}}]", "", ""
    )
    saved_model_cli.run_saved_model_with_feed_dict(
        path, "serve", signature, given, f"{{folder}}/{{signature}}", False
    )
"""


def noise_images(size: tuple[int, int, int]) -> list[bytes]:
    """PNG images of noise, for a check without data.

    Args:
        size: Height, width and channels.

    Returns:
        image_bytes: `NUM_NOISE_IMAGES` encoded images.
    """
    generator = np.random.default_rng(0)
    return _encode_pngs(generator.integers(0, 256, [NUM_NOISE_IMAGES, *size]))


def sample_images(data: str, num_images: int) -> list[bytes]:
    """Reads images that are evenly spread over the data.

    Args:
        data: As of `dataset.list_images`.
        num_images: How many at most; unreadable ones are skipped.

    Returns:
        image_bytes: Encoded images, at least two.

    Raises:
        UserError: If fewer than two can be read.
    """
    files = dataset.list_images(data)
    image_bytes = []
    for file in files[:: max(1, len(files) // num_images)][:num_images]:
        try:
            content = image_files.read_image_bytes(file.path)
            image_tensors.check_decodes(content)
            image_bytes.append(content)
        except UserError as error:
            logging.warning("Skipped %s: %s.", file.name, error)
    if len(image_bytes) < 2:
        raise UserError(
            f"Too few readable images in --data={data}: expected at least 2, "
            f"received {len(image_bytes)}"
        )
    return image_bytes


def check_saved_model(
    path: str,
    image_bytes: list[bytes],
    *,
    detector: OneClassDetector | None = None,
) -> dict[str, Any]:
    """Compares the ways to a SavedModel's numbers.

    Args:
        path: Folder of a version.
        image_bytes: Encoded images, at least two.
        detector: The detector that was exported, to be compared too.

    Returns:
        report: "checks" of `Comparison`; "passed", whether all did;
            "first_answer_seconds" of the C API for one image, load included;
            "log", the runtime's lines on standard error.

    Raises:
        ModelError: If the model does not load or run in the C++ runtime.
    """
    manifest = read_manifest(path)
    decoded = _decode(image_bytes, manifest)
    pixels = image_tensors.to_uint8(decoded).astype(np.float32)
    requests = _requests(path, image_bytes, pixels)
    answers = cpp_runtime.run_requests(
        path, list(requests.values()), num_threads=NUM_THREADS
    )
    outputs = dict(zip(requests, answers.outputs, strict=True))
    # One step of a p-value among n calibration scores.
    comparison = Comparison(1.0 / (manifest["num_calibration"] + 1))
    _compare_requests(comparison, outputs, len(image_bytes))
    _check_edge_cases(comparison, outputs)
    if detector is not None:
        _check_weights(comparison, manifest, detector)
    with ThreadPoolExecutor(1) as pool:  # it waits for a process
        by_cli = pool.submit(_run_cli, path, image_bytes, pixels)
        if detector is not None:
            by_detector = _run_detector(detector, decoded)
            expected = outputs["serving_default"]
            comparison.compare("Python detector", by_detector, expected)
    for signature, arrays in by_cli.result().items():
        name = f"saved_model_cli run, {signature}"
        comparison.compare(name, arrays, outputs[signature])
    return {
        "saved_model": path,
        "num_images": len(image_bytes),
        "tolerance": TOLERANCE,
        "first_answer_seconds": round(answers.first_answer_seconds, 3),
        "log": answers.log.splitlines(),
        "checks": comparison.checks,
        "passed": all(c["passed"] for c in comparison.checks.values()),
    }


def _check_weights(
    comparison: Comparison, manifest: dict, detector: OneClassDetector
) -> None:
    """Checks that the model holds the detector's weights.

    Models of earlier versions do not say; their numbers are compared all the
    same.
    """
    if WEIGHTS_KEY in manifest:
        digests = [manifest[WEIGHTS_KEY], weights_digest(detector)]
        comparison.record(WEIGHTS_KEY, digests, len(set(digests)) == 1)


def _decode(image_bytes: list[bytes], manifest: dict) -> np.ndarray:
    """The images as the detector takes them, in [-1, 1]."""
    size = tuple(manifest["image_size"])
    return np.stack(
        [
            image_tensors.resize_image(
                image_tensors.decode_image(data, channels=manifest["channels"]),
                image_size=size,
            )
            for data in image_bytes
        ]
    )


def _encode_pngs(pixels: np.ndarray) -> list[bytes]:
    values = tf.cast(pixels, tf.uint8)
    return [tf.io.encode_png(image).numpy() for image in values]


def _requests(
    path: str, image_bytes: list[bytes], pixels: np.ndarray
) -> dict[str, tuple[str, Outputs]]:
    """Signature and inputs of all requests, by the name of their purpose."""

    def of_bytes(signature: str, encoded: list[bytes]):
        return signature, {"image_bytes": np.array(encoded, object)}

    # Images are repeated up to the size of a full batch.
    many = [image_bytes[row % len(image_bytes)] for row in range(_BATCH_SIZE)]
    requests = {
        "first": of_bytes("score", image_bytes[:1]),
        "serving_default": of_bytes("serving_default", image_bytes),
        "images": ("images", {"images": pixels}),
        "images as bytes": of_bytes("serving_default", _encode_pngs(pixels)),
        "score": of_bytes("score", image_bytes),
        "inspect": of_bytes("inspect", image_bytes),
        "alone": of_bytes("serving_default", image_bytes[-1:]),
        "permuted": of_bytes("serving_default", image_bytes[::-1]),
        "batch": of_bytes("score", many),
        "empty images": ("images", {"images": pixels[:0]}),
    }
    for signature in ("serving_default", "score", "inspect"):
        requests[f"empty {signature}"] = of_bytes(signature, [])
    for thread in range(NUM_THREADS):
        requests[f"thread {thread}"] = requests["score"]
    for signature, inputs in warmup.read_warmup_requests(path):
        requests[f"warmup {signature}"] = (signature, inputs)
    return requests


def _compare_requests(
    comparison: Comparison, outputs: dict[str, Outputs], count: int
) -> None:
    """Compares the answers of the C API with each other."""
    expected = outputs["serving_default"]
    last = {name: values[-1:] for name, values in expected.items()}
    reverse = {name: values[::-1] for name, values in expected.items()}
    repeated = {
        name: values[np.arange(_BATCH_SIZE) % count]
        for name, values in expected.items()
    }
    threads = _concatenate([outputs[f"thread {i}"] for i in range(NUM_THREADS)])
    in_turn = _concatenate([outputs["score"]] * NUM_THREADS)
    as_bytes = outputs["images as bytes"]
    for name, given, wanted in (
        ("signature images", outputs["images"], as_bytes),
        ("signature score", outputs["score"], expected),
        ("signature inspect", outputs["inspect"], expected),
        ("an image alone", outputs["alone"], last),
        ("a permuted batch", outputs["permuted"], reverse),
        (f"a batch of {_BATCH_SIZE}", outputs["batch"], repeated),
        (f"{NUM_THREADS} threads", threads, in_turn),
    ):
        comparison.compare(name, given, wanted)


def _concatenate(batches: list[Outputs]) -> Outputs:
    return {
        name: np.concatenate([batch[name] for batch in batches])
        for name in batches[0]
    }


def _check_edge_cases(
    comparison: Comparison, outputs: dict[str, Outputs]
) -> None:
    """Checks that empty batches are empty and warm-up requests give scores."""
    for name, answer in outputs.items():
        if name.startswith("empty"):
            sizes = {key: len(values) for key, values in answer.items()}
            comparison.record(f"{name} batch", sizes, not any(sizes.values()))
        elif name.startswith("warmup"):
            comparison.record(
                f"{name} request",
                {"anomaly_score": float(answer["anomaly_score"][0])},
                bool(np.isfinite(answer["anomaly_score"]).all()),
            )


def _run_detector(detector: OneClassDetector, decoded: np.ndarray) -> Outputs:
    detection = detector.detect_batches([tf.constant(decoded)])
    outputs = servable.all_outputs(detection)
    return {name: np.asarray(values) for name, values in outputs.items()}


def _run_cli(
    path: str, image_bytes: list[bytes], pixels: np.ndarray
) -> dict[str, Outputs]:
    """What `saved_model_cli run` writes, by signature."""
    with artifacts.temporary_directory() as folder:
        source = os.path.join(folder, "inputs.npz")
        np.savez(source, image_bytes=np.array(image_bytes), images=pixels)
        process = subprocess.run(
            [sys.executable, "-c", _CLI_SCRIPT, path, source, folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise ModelError(
                f"saved_model_cli cannot run {path}: "
                f"{process.stderr.strip().splitlines()[-1]}"
            )
        return {name: _read_arrays(folder, name) for name in SIGNATURES}


def _read_arrays(folder: str, signature: str) -> Outputs:
    """The arrays that `saved_model_cli` wrote for a signature."""
    parent = os.path.join(folder, signature)
    return {
        name.removesuffix(".npy"): np.load(
            os.path.join(parent, name), allow_pickle=True
        )
        for name in os.listdir(parent)
    }
