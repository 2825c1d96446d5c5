import json
import pathlib
import shutil

from ganad_tf.evaluation.evaluate import evaluate_detector


def test_a_program_gets_what_the_tool_writes(chain, product, tmp_path):
    model = shutil.copytree(chain[0], tmp_path / "model")
    report = tmp_path / "report"
    marks = tmp_path / "marks"
    marks.write_text("path,mark\ntest/spot/part000.png,missed\n")  # as it is
    results = evaluate_detector(
        product, str(model), str(report), marks_path=str(marks)
    )
    with open(f"{chain[1]}/results.json") as file:
        expected = json.load(file)
    with open(report / "results.json") as file:
        assert json.load(file) == json.loads(json.dumps(results))
    for content in (results, expected):
        content.pop("images_per_second")
    assert expected.pop("marks") is None
    assert results.pop("marks")["num_changed"] == 0
    assert results == expected
    assert (
        "0 test images have the label" in (report / "report.html").read_text()
    )
    expected = pathlib.Path(chain[1], "scores.csv").read_text()
    assert (report / "scores.csv").read_text() == expected
    assert {path.name for path in report.iterdir()} == {
        "examples.png",
        "regions.csv",
        "report.html",
        "results.json",
        "scores.csv",
    }
    assert (model / "logs" / "evaluation").is_dir()
