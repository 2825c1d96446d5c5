import pytest
from conftest import make_parts
from conftest import write_images
from tool_runner import TOOLS

from ganad_tf.benchmark import runtime_settings
from ganad_tf.errors import UserError
from ganad_tf.score_parts import SCORE_PARTS

TABLE_BY_KERNELS = """
import os, sys
(output,) = (a[9:] for a in sys.argv if a.startswith("--output="))
score = 1.0 + 1e-6 * int(os.environ["TF_ENABLE_ONEDNN_OPTS"])
with open(output, "w") as file:
    file.write(
        "path,label,anomaly_score,frechet_score,reconstruction_error,p_value,"
        f"is_defective,status\\na,,{score},2,3,0.5,0,ok\\nb,,,,,,,bad\\n"
    )
"""


def test_scores_depend_on_no_setting_of_the_runtime(exported, tmp_path):
    write_images(tmp_path, make_parts(9, seed=5))
    names = ("oneDNN, 1 thread", "no oneDNN, 7 and 3 threads")
    found = runtime_settings.measure(
        str(TOOLS),
        exported,
        str(tmp_path),
        settings={name: runtime_settings.SETTINGS[name] for name in names},
    )
    assert list(found) == list(names[1:])
    assert runtime_settings.is_kept(found)
    (differences,) = found.values()
    assert differences["images"] == 9


def test_a_setting_is_that_of_its_process(tmp_path):
    (tmp_path / "score_images.py").write_text(TABLE_BY_KERNELS)
    names = ("no oneDNN", "oneDNN")
    found = runtime_settings.measure(
        str(tmp_path),
        "model",
        "images",
        settings={name: runtime_settings.SETTINGS[name] for name in names},
    )["oneDNN"]
    assert found["anomaly_score"] == pytest.approx(1e-6, rel=1e-3)
    assert (found["frechet_score"], found["images"]) == (0.0, 1)


def test_other_scores_and_decisions_are_not_kept():
    same = {part.name: 1e-6 for part in SCORE_PARTS} | {"decisions": 0}
    other = same | {"decisions": 1}
    assert runtime_settings.is_kept({"a": same})
    assert not runtime_settings.is_kept({"a": same, "b": other})
    assert not runtime_settings.is_kept({"a": same | {"frechet_score": 2e-4}})


def test_a_tool_that_fails_says_why(tmp_path):
    (tmp_path / "score_images.py").write_text("raise SystemExit('no image')")
    with pytest.raises(UserError, match="cannot be scored: no image"):
        runtime_settings.measure(str(tmp_path), "model", "images")
