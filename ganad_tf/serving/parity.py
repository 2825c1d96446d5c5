"""Parity: an exported model gives the same numbers on every way to it.

Images go through the C API of TensorFlow's library (the loader of TensorFlow
Serving), through `saved_model_cli run` (a session in Python) and, where it is
at hand, through the detector that was exported. Rows are compared one by one.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from ganad_tf.data import image_tensors
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.serving import c_api
from ganad_tf.serving import servable
from ganad_tf.serving import warmup

TOLERANCE = 1e-4  # relative
NUM_THREADS = 8
NUM_NOISE_IMAGES = 6
_BATCH_SIZE = 64
# Signatures and their inputs.
SIGNATURES = {
    "serving_default": "image_bytes",
    "images": "images",
    "score": "image_bytes",
    "inspect": "image_bytes",
}
_DTYPES = {c_api.FLOAT: np.float32, c_api.BOOL: np.bool_}

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

Outputs = dict[str, np.ndarray]


def noise_images(size: tuple[int, int, int]) -> list[bytes]:
    """PNG images of noise, for a check without data.

    Args:
        size: Height, width and channels.

    Returns:
        image_bytes: `NUM_NOISE_IMAGES` encoded images.
    """
    generator = np.random.default_rng(0)
    return _pngs(generator.integers(0, 256, [NUM_NOISE_IMAGES, *size]))


def read_manifest(path: str) -> dict[str, Any]:
    """Reads the manifest of a SavedModel."""
    name = os.path.join(path, "assets.extra", "manifest.json")
    with open(name, encoding="utf-8") as file:
        return json.load(file)


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
        report: "checks", by name, with the largest relative difference of
            each output; "passed", whether all hold; "first_answer_seconds"
            of the C API for one image, load included; "log", the runtime's
            lines on standard error.

    Raises:
        ModelError: If the model does not load or run in the C++ runtime.
    """
    manifest = read_manifest(path)
    decoded = _decoded(image_bytes, manifest)
    pixels = image_tensors.to_uint8(decoded).astype(np.float32)
    requests = _requests(path, image_bytes, pixels)
    found = c_api.run_requests(
        path, list(requests.values()), num_threads=NUM_THREADS
    )
    arrays = [_arrays(answer) for answer in found["answers"]]
    answers = dict(zip(requests, arrays, strict=True))
    compare = _Comparison(1.0 / (manifest["num_calibration"] + 1))
    _compare_answers(compare, answers, len(image_bytes))
    with ThreadPoolExecutor(1) as pool:  # it waits for a process
        by_cli = pool.submit(_run_cli, path, image_bytes, pixels)
        if detector is not None:
            outputs = _by_detector(detector, decoded)
            compare("Python detector", outputs, answers["serving_default"])
    for signature, outputs in by_cli.result().items():
        name = f"saved_model_cli run, {signature}"
        compare(name, outputs, answers[signature])
    return {
        "saved_model": path,
        "num_images": len(image_bytes),
        "tolerance": TOLERANCE,
        "first_answer_seconds": round(found["first_answer_seconds"], 3),
        "log": found["log"].splitlines(),
        "checks": compare.results,
        "passed": all(check["passed"] for check in compare.results.values()),
    }


def failures(report: dict[str, Any]) -> list[str]:
    """One line for each check of a report that failed."""
    return [
        f"{name}: {_reason(check)}"
        for name, check in report["checks"].items()
        if not check["passed"]
    ]


def _reason(check: dict[str, Any]) -> str:
    if "found" in check:
        return str(check["found"])
    differing = (
        f"{name} differs by {difference:.2g}"
        for name, difference in check["relative"].items()
        if not difference <= TOLERANCE  # NaN differs too
    )
    return ", ".join(differing) or "no output in common"


def _decoded(image_bytes: list[bytes], manifest: dict) -> np.ndarray:
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


def _strings(image_bytes: list[bytes]) -> dict[str, c_api.Tensor]:
    tensor = c_api.Tensor(c_api.STRING, [len(image_bytes)], image_bytes)
    return {"image_bytes": tensor}


def _pngs(pixels: np.ndarray) -> list[bytes]:
    values = tf.cast(pixels, tf.uint8)
    return [tf.io.encode_png(image).numpy() for image in values]


def _floats(pixels: np.ndarray) -> dict[str, c_api.Tensor]:
    shape = list(pixels.shape)
    return {"images": c_api.Tensor(c_api.FLOAT, shape, pixels.tobytes())}


def _requests(path: str, image_bytes: list[bytes], pixels: np.ndarray):
    """All requests to the C API, by the name of their purpose."""
    many = [image_bytes[row % len(image_bytes)] for row in range(_BATCH_SIZE)]
    requests = {
        "first": ("score", _strings(image_bytes[:1])),
        "serving_default": ("serving_default", _strings(image_bytes)),
        "images": ("images", _floats(pixels)),
        "images as bytes": ("serving_default", _strings(_pngs(pixels))),
        "score": ("score", _strings(image_bytes)),
        "inspect": ("inspect", _strings(image_bytes)),
        "alone": ("serving_default", _strings(image_bytes[-1:])),
        "permuted": ("serving_default", _strings(image_bytes[::-1])),
        "batch": ("score", _strings(many)),
        "empty images": ("images", _floats(pixels[:0])),
    }
    for signature in ("serving_default", "score", "inspect"):
        requests[f"empty {signature}"] = (signature, _strings([]))
    for thread in range(NUM_THREADS):
        requests[f"thread {thread}"] = requests["score"]
    for request in warmup.read_warmup_requests(path):
        signature, (key, value) = request
        given = _floats(value) if key == "images" else _strings(list(value))
        requests[f"warmup {signature}"] = (signature, given)
    return requests


def _arrays(answer: dict[str, c_api.Tensor]) -> Outputs:
    return {
        key: np.reshape(
            np.array(tensor.content, object)
            if tensor.dtype == c_api.STRING
            else np.frombuffer(tensor.content, _DTYPES[tensor.dtype]),
            tensor.shape,
        )
        for key, tensor in answer.items()
    }


def _run_cli(path, image_bytes, pixels) -> dict[str, Outputs]:
    """What `saved_model_cli run` writes, by signature.

    One process runs all signatures, and can import neither Keras nor this
    package. The expressions of `--inputs` are what a user would type.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "inputs.npz")
        np.savez(source, image_bytes=np.array(image_bytes), images=pixels)
        answer = subprocess.run(
            [sys.executable, "-c", _CLI_SCRIPT, path, source, folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise c_api.ModelError(
                f"saved_model_cli cannot run {path}: "
                f"{answer.stderr.strip().splitlines()[-1]}"
            )
        return {name: _saved(folder, name) for name in SIGNATURES}


def _saved(folder: str, signature: str) -> Outputs:
    """The arrays that `saved_model_cli` wrote for a signature."""
    parent = os.path.join(folder, signature)
    return {
        name.removesuffix(".npy"): np.load(
            os.path.join(parent, name), allow_pickle=True
        )
        for name in os.listdir(parent)
    }


def _by_detector(detector: OneClassDetector, decoded: np.ndarray) -> Outputs:
    detection = detector.detect_batches([tf.constant(decoded)])
    outputs = servable.all_outputs(detection)
    return {name: np.asarray(values) for name, values in outputs.items()}


def _compare_answers(compare, answers: dict[str, Outputs], count: int) -> None:
    """The checks among the answers of the C API themselves."""
    expected = answers["serving_default"]
    compare("signature images", answers["images"], answers["images as bytes"])
    compare("signature score", answers["score"], expected)
    compare("signature inspect", answers["inspect"], expected)
    last = {name: values[-1:] for name, values in expected.items()}
    reverse = {name: values[::-1] for name, values in expected.items()}
    repeated = {
        name: values[np.arange(_BATCH_SIZE) % count]
        for name, values in expected.items()
    }
    compare("an image alone", answers["alone"], last)
    compare("a permuted batch", answers["permuted"], reverse)
    compare(f"a batch of {_BATCH_SIZE}", answers["batch"], repeated)
    threads = [answers[f"thread {row}"] for row in range(NUM_THREADS)]
    compare(
        f"{NUM_THREADS} threads",
        _stacked(threads),
        _stacked([answers["score"]] * NUM_THREADS),
    )
    for name, answer in answers.items():
        if name.startswith("empty"):
            sizes = {key: len(values) for key, values in answer.items()}
            compare.note(f"{name} batch", sizes, not any(sizes.values()))
        elif name.startswith("warmup"):
            compare.note(
                f"{name} request",
                {"anomaly_score": float(answer["anomaly_score"][0])},
                bool(np.isfinite(answer["anomaly_score"]).all()),
            )


def _stacked(answers: list[Outputs]) -> Outputs:
    return {
        name: np.concatenate([answer[name] for answer in answers])
        for name in answers[0]
    }


def _row_differences(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Largest difference of each row, relative to its largest value."""
    if found.dtype == object:  # PNGs, of which rounding may move a value
        found, expected = (
            np.stack([_png_pixels(png) for png in column])
            for column in (found, expected)
        )
        steps = np.abs(found - expected).max(axis=(1, 2))
        return np.maximum(steps - 1.0, 0.0)
    found, expected = (
        np.reshape(np.asarray(array, np.float64), [len(array), -1])
        for array in (found, expected)
    )
    scale = np.abs(expected).max(axis=1) + 1e-12
    return np.abs(found - expected).max(axis=1) / scale


def _png_pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L"), np.float64)


class _Comparison:
    """Collects the results of checks.

    Args:
        p_value_step: Least difference of two p-values. Scores that agree to
            rounding may lie on either side of a calibration score, so a
            p-value may be off by one step, and with it a decision.
    """

    def __init__(self, p_value_step: float):
        self.results = {}
        self._p_value_step = p_value_step

    def note(self, name: str, facts: Any, passed: bool) -> None:
        self.results[name] = {"found": facts, "passed": passed}

    def __call__(self, name: str, found: Outputs, expected: Outputs) -> None:
        shared = sorted(found.keys() & expected.keys())
        differences = {
            key: float(self._differences(key, found, expected).max())
            for key in shared
        }
        passed = bool(shared) and all(
            difference <= TOLERANCE for difference in differences.values()
        )
        self.results[name] = {"relative": differences, "passed": passed}

    def _differences(self, key, found, expected) -> np.ndarray:
        steps = np.abs(found["p_value"] - expected["p_value"])
        tied = (steps > 1e-9) & (steps < 1.5 * self._p_value_step)
        differences = _row_differences(found[key], expected[key])
        if key in ("p_value", "is_defective"):
            return np.where(tied, 0.0, differences)
        return differences
