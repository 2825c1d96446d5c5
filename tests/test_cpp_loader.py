"""A C++ program without Python loads the export and gives its numbers."""

import importlib.util
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.serving import saved_model as serving

SOURCE = pathlib.Path(__file__).parent / "score_images.cc"
PACKAGE = os.path.dirname(importlib.util.find_spec("tensorflow").origin)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("program") / "score_images")
    subprocess.run(
        ["g++", "-w", "-O1", "-std=c++17", "-D_GLIBCXX_USE_CXX11_ABI=1"]
        + ["-DEIGEN_MAX_ALIGN_BYTES=64", str(SOURCE), "-o", path]
        + [f"-I{PACKAGE}/include", f"-L{PACKAGE}", f"-Wl,-rpath,{PACKAGE}"]
        + [
            "-Wl,--no-as-needed",
            "-l:libtensorflow_cc.so.2",
            "-l:libtensorflow_framework.so.2",
        ],
        check=True,
    )
    return path


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
def test_scores_are_those_of_the_saved_model(program, exported, tmp_path):
    data = encoded(make_parts(3, seed=21))
    paths = [str(tmp_path / f"{row}.png") for row in range(3)]
    for path, content in zip(paths, data, strict=True):
        pathlib.Path(path).write_bytes(content)
    answer = subprocess.run(
        [program, exported, "score", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    lines = (line.split() for line in answer.stdout.splitlines())
    found = {name: list(map(float, values)) for name, *values in lines}
    expected = serving.SavedModelScorer(exported).score(data)
    assert sorted(found) == [
        "anomaly_score",
        "frechet_score",
        "p_value",
        "reconstruction_error",
    ]
    for name, values in found.items():
        np.testing.assert_allclose(
            values, [row[name] for row in expected], rtol=1e-4
        )
