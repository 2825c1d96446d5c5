"""The whole chain on a tiny data set: the README's Python, remote files."""

import os
import pathlib
import re
import uuid

import numpy as np
from conftest import encoded
from conftest import make_parts
from conftest import write_images

import ganad_tf
from ganad_tf import remote
from ganad_tf import scores_csv
from ganad_tf import staging
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.serving import score_files

README = pathlib.Path(__file__).parent.parent / "README.md"
# What makes each step short; the calls of the README stay as they are.
SETTINGS = {
    "image_size": 32,
    "latent_dim": 6,
    "width": 4,
    "num_steps": 4,
    "batch_size": 8,
    "field_steps": 2,
}
TINY = {'"parts/", "model")': f'"parts/", "model", **{SETTINGS})'}


def program():
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    for call, tiny in TINY.items():
        assert code.count(call) == 1
        code = code.replace(call, tiny)
    return code


def test_the_python_of_the_readme_does_what_the_tools_do(tmp_path, monkeypatch):
    write_images(tmp_path / "parts", make_parts(100, seed=0))
    write_images(tmp_path, make_parts(2, seed=1), prefix="image")
    for name, image in (("a.png", "image000.png"), ("b.png", "image001.png")):
        (tmp_path / image).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(program(), README, "exec"), names)
    assert isinstance(names["detector"], OneClassDetector)
    assert names["images"].shape == (2, 32, 32, 1)
    loaded = ganad_tf.load_detector("model")
    assert loaded.alpha == names["detector"].alpha == 0.05
    assert (tmp_path / "report" / "results.json").is_file()
    assert (tmp_path / "saved_models" / "parts" / "1").is_dir()


def test_the_python_of_the_readme_is_ten_lines():
    lines = [line for line in program().splitlines() if line.strip()]
    assert len(lines) <= 10


def test_the_chain_goes_on_where_all_files_are_remote(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    storage = f"ram://{uuid.uuid4().hex}"
    data, model, served, today = (
        f"{storage}/{name}" for name in ("parts", "model", "served", "today")
    )
    for folder, count, seed in ((data, 60, 0), (today, 4, 1)):
        for row, png in enumerate(encoded(make_parts(count, seed=seed))):
            remote.write_file(f"{folder}/{row:03d}.png", png)
    ganad_tf.train_gan(data, model, **{**SETTINGS, "field_steps": 0})
    detector = ganad_tf.fit_detector(data, model, alpha=0.1)
    ganad_tf.export_saved_model(model, served)
    paths = score_files.list_image_paths(today)
    scorer = ganad_tf.open_scorer(saved_model=served)
    assert scorer.source == f"{served}/1"
    with staging.local_file(f"{storage}/scores.csv") as table:
        score_files.score_images(scorer, paths, table)
    with remote.open_file(f"{storage}/scores.csv") as file:
        rows = scores_csv.from_csv(file.read().decode())
    assert [row.path for row in rows] == sorted(paths) and len(rows) == 4
    height, width, channels = detector.image_shape
    images = ganad_tf.load_images(
        paths, image_size=(height, width), channels=channels
    )
    np.testing.assert_allclose(
        [row.anomaly_score for row in rows],
        detector.detect(images).anomaly_scores,
        rtol=1e-4,
        atol=1e-5,
    )
    assert os.listdir(tmp_path) == []  # such as a folder named "ram:"
