from absl import logging

from ganad_tf import progress


def test_batches_pass_unchanged_as_often_as_they_are_read():
    batches = progress.LoggedBatches([[1, 2], [3]], total=3, what="Read")
    assert list(batches) == list(batches) == [[1, 2], [3]]


def test_a_line_tells_how_much_is_done_and_the_time_left(monkeypatch):
    lines = []
    monkeypatch.setattr(
        logging, "info", lambda text, *rest: lines.append(text % rest)
    )
    moments = iter([0.0, 10.0, 12.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(moments))
    batches = [[0] * 10, [0] * 10, [0] * 20]
    list(progress.LoggedBatches(batches, total=100, what="Scored"))
    assert lines == [
        "Scored: 10 of 100, 1/s, 1 min 30 s left.",
        "Scored: 40 of 100, 1/s, 1 min 0 s left.",
    ]
