import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from conftest import encoded
from conftest import make_parts
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.data import image_tensors
from ganad_tf.score_parts import UNJUDGED_SCORE
from ganad_tf.serving import servable

SCALARS = [
    "anomaly_score",
    "frechet_score",
    "reconstruction_error",
    "p_value",
    "is_defective",
]
SIGNATURES = {
    "serving_default": [
        *SCALARS,
        "reconstruction",
        "anomaly_map",
        "latents",
    ],
    "images": [*SCALARS, "reconstruction", "anomaly_map", "latents"],
    "score": SCALARS,
    "inspect": [
        *SCALARS,
        "reconstruction_png_bytes",
        "anomaly_map_png_bytes",
    ],
}


@pytest.fixture(scope="module")
def signatures(exported):
    loaded = tf.saved_model.load(exported)
    # Signatures are released with the model they belong to.
    return {name: loaded.signatures[name] for name in SIGNATURES} | {
        "model": loaded
    }


@pytest.fixture(scope="module")
def parts():
    qualified = make_parts(3, seed=11)
    return np.concatenate([qualified, scratch(qualified)])


@pytest.fixture(scope="module")
def expected(parts_detector, parts):
    return parts_detector.detect(
        tf.constant(image_tensors.to_uint8(parts) / 127.5 - 1.0, tf.float32)
    )


def test_signatures_are_those_of_the_contract(signatures):
    for name, outputs in SIGNATURES.items():
        assert sorted(signatures[name].structured_outputs) == sorted(outputs)
        specs = {
            **signatures[name].structured_outputs,
            **signatures[name].structured_input_signature[1],
        }
        assert all(spec.shape[0] is None for spec in specs.values())


def test_every_signature_gives_the_detectors_numbers(
    signatures, parts, expected
):
    for name in SIGNATURES:
        argument = (
            {"images": tf.cast(image_tensors.to_uint8(parts), tf.float32)}
            if name == "images"
            else {"image_bytes": tf.constant(encoded(parts))}
        )
        found = signatures[name](**argument)
        for key, field in (
            ("anomaly_score", "anomaly_scores"),
            ("frechet_score", "frechet_scores"),
            ("reconstruction_error", "reconstruction_errors"),
            ("p_value", "p_values"),
        ):
            np.testing.assert_allclose(
                found[key], getattr(expected, field), rtol=1e-4, atol=1e-5
            )
        np.testing.assert_array_equal(
            found["is_defective"], expected.is_defective
        )


def test_pictures_are_what_the_arrays_say(signatures, parts, expected):
    found = signatures["inspect"](image_bytes=tf.constant(encoded(parts)))
    picture = tf.io.decode_png(found["reconstruction_png_bytes"][0])
    np.testing.assert_allclose(
        picture, image_tensors.to_uint8(expected.reconstructions[0]), atol=1
    )
    shown = tf.io.decode_png(found["anomaly_map_png_bytes"][3])[..., 0]
    values = np.clip(expected.anomaly_maps[3] * servable.MAP_SCALE, 0, 255)
    np.testing.assert_allclose(shown, values, atol=1)


def test_a_row_depends_on_its_image_alone(signatures, parts):
    data = encoded(parts)
    run = signatures["serving_default"]
    together = run(image_bytes=tf.constant(data))
    permuted = run(image_bytes=tf.constant(data[::-1]))
    alone = run(image_bytes=tf.constant(data[1:2]))
    for name, values in together.items():
        values = np.asarray(values, np.float32)
        bound = 1e-4 if values.ndim == 1 else 2e-3
        np.testing.assert_allclose(
            np.asarray(permuted[name], np.float32)[::-1], values, 1e-4, bound
        )
        np.testing.assert_allclose(
            np.asarray(alone[name], np.float32)[0], values[1], 1e-4, bound
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 3e38])
def test_an_impossible_pixel_is_a_defect_at_the_least_p_value(
    signatures, parts, value
):
    pixels = image_tensors.to_uint8(parts).astype(np.float32)
    expected = signatures["images"](images=tf.constant(pixels))
    pixels[1, 3, 7, 0] = value
    found = signatures["images"](images=tf.constant(pixels))
    assert found["is_defective"][1]
    np.testing.assert_allclose(found["p_value"][1], 1 / 25, rtol=1e-6)
    assert found["anomaly_score"][1] == UNJUDGED_SCORE
    others = np.arange(len(parts)) != 1
    for name, values in found.items():
        values = np.asarray(values, np.float64)
        assert np.isfinite(values).all()
        np.testing.assert_allclose(
            values[others],
            np.asarray(expected[name], np.float64)[others],
            1e-4,
            1e-3,
        )


@pytest.mark.parametrize("name", SIGNATURES)
def test_an_empty_batch_gives_empty_outputs(signatures, name):
    argument = (
        {"images": tf.zeros([0, 32, 32, 1])}
        if name == "images"
        else {"image_bytes": tf.constant([], tf.string)}
    )
    for values in signatures[name](**argument).values():
        assert values.shape[0] == 0


def test_a_batch_beyond_the_memory_is_refused(
    parts_detector, parts, monkeypatch
):
    monkeypatch.setattr(servable, "MAX_BATCH_VALUES", 5 * 32 * 32)
    monkeypatch.setattr(servable, "_LEAST_LIMIT", 1)
    size = list(parts_detector.image_shape)
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match="a batch of 6 images is too large: expected at most 5",
    ):
        servable._bounded(tf.constant(encoded(parts)), size)
    assert len(servable._bounded(tf.constant(encoded(parts[:5])), size)) == 5


def test_any_size_depth_and_colour_of_an_image_is_taken(signatures, parts):
    gray = Image.fromarray(image_tensors.to_uint8(parts)[0, ..., 0])
    large = gray.resize((64, 48), Image.Resampling.NEAREST)
    wide = Image.fromarray(
        image_tensors.to_uint8(parts)[0, ..., 0].astype(np.uint16) * 257
    )
    data = []
    for picture in (gray, gray.convert("RGB"), wide, large):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        data.append(buffer.getvalue())
    found = signatures["score"](image_bytes=tf.constant(data))
    scores = found["anomaly_score"].numpy()
    np.testing.assert_allclose(scores[1:3], scores[0], rtol=1e-3, atol=1e-3)
    assert np.isfinite(scores).all()


_SAVED_MODEL_CLI = """
import json, os, sys
sys.modules["ganad_tf"] = sys.modules["keras"] = None
from tensorflow.python.tools import saved_model_cli
for arguments in json.load(sys.stdin):
    if not os.fork():
        sys.argv = ["saved_model_cli", *arguments]
        saved_model_cli.main()
        sys.exit()
    if os.wait()[1]:
        sys.exit(f"failed: {arguments}")
"""


@pytest.fixture(scope="module")
def by_cli(exported, parts, tmp_path_factory):
    """What `saved_model_cli` writes to files and prints, without our package.

    TensorFlow is imported once for all commands.
    """
    folder = tmp_path_factory.mktemp("cli")
    pixels = image_tensors.to_uint8(parts).astype(np.float32)
    np.save(folder / "in.npy", pixels)
    # A semicolon would end the expression.
    literal = repr(encoded(parts)).replace(";", "\\x3b")
    model = ["--dir", exported]
    commands = [["show", *model, "--all"]] + [
        ["run", *model, "--tag_set", "serve", "--signature_def", name]
        + (
            ["--inputs", f"images={folder}/in.npy"]
            if name == "images"
            else ["--input_exprs", f"image_bytes={literal}"]
        )
        + ["--outdir", str(folder / name)]
        for name in SIGNATURES
    ]
    answer = subprocess.run(
        [sys.executable, "-c", _SAVED_MODEL_CLI],
        input=json.dumps(commands),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return folder, answer


@pytest.mark.parametrize("name", SIGNATURES)
def test_saved_model_cli_runs_every_signature(by_cli, expected, name):
    folder = by_cli[0] / name
    found = np.load(folder / "anomaly_score.npy")
    np.testing.assert_allclose(
        found, expected.anomaly_scores, rtol=1e-4, atol=1e-5
    )
    for output in SIGNATURES[name]:
        assert (folder / f"{output}.npy").exists()


def test_the_runtime_reports_no_error_of_the_graph(by_cli):
    assert "remapper failed" not in by_cli[1].stderr
    assert "meta_optimizer" not in by_cli[1].stderr


def test_saved_model_cli_shows_names_types_and_shapes(by_cli):
    shown = by_cli[1].stdout
    for name, outputs in SIGNATURES.items():
        assert f"signature_def['{name}']" in shown
        for output in outputs:
            assert f"outputs['{output}'] tensor_info" in shown
    assert (
        "inputs['image_bytes'] tensor_info:\n        dtype: DT_STRING" in shown
    )
    assert "shape: (-1, 32, 32, 1)" in shown


def test_weights_are_stored_once_and_training_is_left_behind(
    exported, parts_detector
):
    gan = parts_detector.gan
    needed = sum(
        4 * int(np.prod(weight.shape))
        for owner in (gan.ema_generator, gan.ema_encoder, gan.linear_head)
        for weight in owner.weights
    )
    folder = os.path.join(exported, "variables")
    stored = sum(
        os.path.getsize(os.path.join(folder, name))
        for name in os.listdir(folder)
        if ".data-" in name
    )
    assert needed <= stored < needed + 4096


def test_nothing_of_training_is_left(exported):
    loaded = saved_model_pb2.SavedModel()
    with open(f"{exported}/saved_model.pb", "rb") as file:
        loaded.ParseFromString(file.read())
    library = loaded.meta_graphs[0].graph_def.library.function
    bodies = [f for f in library if "guarded" in f.signature.name]
    assert len(bodies) == 1  # one graph for all signatures
    ops = {node.op for function in library for node in function.node_def}
    random = {op for op in ops if "Random" in op}
    assert not random & {"RandomStandardNormal", "RandomUniform"}
    assert not {"PyFunc", "EagerPyFunc", "FusedBatchNormGradV3"} & ops


def test_pixels_and_png_files_agree_to_the_bit():
    values = tf.range(256.0)
    png = tf.io.encode_png(tf.cast(tf.reshape(values, [16, 16, 1]), tf.uint8))
    decoded = image_tensors.decode_image(png, channels=1)
    scaled = tf.function(servable._scaled)(values)
    np.testing.assert_array_equal(scaled, tf.reshape(decoded, [-1]))
