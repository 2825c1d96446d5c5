import subprocess

import pytest
from tool_runner import TOOLS

from ganad_tf.benchmark import exported_model
from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark.load import LoadPlan


def test_an_exported_model_is_measured(exported, monkeypatch):
    monkeypatch.setattr(synthetic, "build_gan", lambda: None)
    monkeypatch.setattr(synthetic, "fit_detector", lambda _: None)
    monkeypatch.setattr(
        exported_model.export,
        "export_detector",
        lambda *_, **__: exported,
    )
    monkeypatch.setattr(exported_model, "_NUM_STARTS", 1)
    plan = LoadPlan(num_requests=10, num_clients=2, signatures=("score",))
    figures = exported_model.measure(str(TOOLS / "score_images.py"), plan)
    first, load = figures.values()
    assert first["median"] > 0
    assert load["right score"] == 9 and load["refused with a reason"] == 1


def test_a_tool_that_fails_is_an_error(exported, tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        exported_model._first_answer(
            str(tmp_path / "nothing.py"), exported, str(tmp_path)
        )
