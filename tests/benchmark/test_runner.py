import json
import pathlib

import pytest

from ganad_tf.benchmark import runner


def failing():
    raise RuntimeError("no\nluck")


@pytest.fixture
def figures(tmp_path):
    parts = [
        runner.Part("first", lambda: {"speed, images/s": {"median": 2.5}}),
        runner.Part("second", failing),
        runner.Part("third", failing, "it needs the extra x"),
        runner.Part("fourth", lambda: {"size": {"count": 4}}),
    ]
    return runner.run(parts, str(tmp_path / "figures.json"))


def test_a_failing_part_costs_itself_alone(figures):
    assert list(figures)[1:] == ["speed, images/s", "second", "third", "size"]
    assert figures["second"] == {
        "median": None,
        "reason": "RuntimeError: no luck",
    }
    assert figures["third"] == {
        "median": None,
        "reason": "it needs the extra x",
    }


def test_what_cannot_run_is_known_at_the_start(tmp_path, caplog):
    order = []
    parts = [
        runner.Part("first", lambda: order.append(len(caplog.records)) or {}),
        runner.Part("second", failing, "it needs the extra x"),
    ]
    with caplog.at_level("INFO", "absl"):
        runner.run(parts, str(tmp_path / "figures.json"))
    assert caplog.messages[0] == "Skipping second: it needs the extra x."
    assert order[0] >= 1


def test_figures_are_written_as_json_and_as_a_table(figures, tmp_path):
    path = str(tmp_path / "figures.json")
    assert json.loads(pathlib.Path(path).read_text()) == figures
    table = pathlib.Path(runner.markdown_path(path)).read_text()
    assert table == runner.markdown(figures) + "\n"
    assert "| second | – |  |  |  | reason RuntimeError: no luck |" in table


def test_the_table_shows_every_number():
    figure = {"median": 1234.5, "least": 1.0, "largest": 2.0, "AUROC": 0.5}
    last = runner.markdown({"speed": figure}).splitlines()[-1]
    assert last == "| speed | 1234 | 1 | 2 |  | AUROC 0.5 |"


def test_an_interruption_is_no_failure_of_a_part(tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(
            [runner.Part("first", interrupted)], str(tmp_path / "f.json")
        )
