import os

import pytest

from ganad_tf.benchmark import process_memory


def test_memory_is_measured_in_megabytes():
    present = process_memory.present_megabytes(os.getpid())
    assert 50 < present <= process_memory.peak_megabytes(os.getpid())


def test_the_peak_of_this_process_grows():
    before = process_memory.peak_megabytes()
    present = process_memory.present_megabytes(os.getpid())
    size = int(before - present + 50) * 2**20
    content = bytearray(os.urandom(1) * size)
    assert process_memory.peak_megabytes() >= before + 40
    assert len(content) == size


@pytest.mark.parametrize("is_there", [True, False])
def test_a_system_without_such_a_count_is_an_obstacle(monkeypatch, is_there):
    monkeypatch.setattr(process_memory.os.path, "exists", lambda _: is_there)
    assert (process_memory.obstacle() is None) == is_there
