import json

import pytest
from tool_runner import done

from ganad_tf.benchmark import fuzz


def test_a_thousand_broken_files_crash_nothing(exported):
    figures = fuzz.measure(exported, 1000, seed=7, direct_every=23)
    assert not figures["crashes"] and not figures["changed neighbours"]
    assert figures["memory growth, MB"] < 100
    ways = figures["ways"]
    assert set(ways) == {"scan", "score_images", "SavedModel", "server"}
    for way, counts in ways.items():
        num_files = sum(counts.values())
        assert num_files == 1114 if way.startswith("sc") else num_files > 40
        assert counts[fuzz.OK] > num_files // 10
        assert len(counts) > 3
    for way in ("scan", "score_images"):
        assert any("too large" in reason for reason in ways[way])


def test_crashes_and_changed_neighbours_are_told(exported, monkeypatch):
    def fail(_):
        raise TypeError("not this one")

    monkeypatch.setattr(fuzz, "_scan", fail)
    monkeypatch.setattr(fuzz, "_rows", lambda _, f: [(fuzz.OK, 0.0)] * len(f))
    figures = fuzz.measure(exported, 18, direct_every=1)
    assert figures["crashes"] == ["scan: TypeError: not this one"]
    assert len(figures["changed neighbours"]) == 2 * 3


@pytest.mark.parametrize("count", [9])
def test_the_tool_prints_its_figures(chain, count):
    answer = done("fuzz", saved_model=chain[2], num_files=count)
    assert json.loads(answer.stdout)["crashes"] == []
