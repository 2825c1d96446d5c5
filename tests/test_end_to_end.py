"""The Python of the README runs as it is written, on a tiny data set."""

import pathlib
import re

from conftest import make_parts
from conftest import write_images

import ganad_tf
from ganad_tf.detector.detector import OneClassDetector

README = pathlib.Path(__file__).parent.parent / "README.md"
# What makes each step short; the calls of the README stay as they are.
TINY = {
    '"parts/", "model")': '"parts/", "model", image_size=32, latent_dim=6, '
    "width=4, num_steps=4, batch_size=8, field_steps=2)"
}


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
