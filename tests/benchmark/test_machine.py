from ganad_tf.benchmark import machine


def test_ceilings_are_rates(monkeypatch):
    monkeypatch.setattr(machine, "_COPIED_BYTES", 2**16)
    monkeypatch.setattr(machine, "_NUM_PNGS", 64)
    monkeypatch.setattr(machine.timing, "matrix_rate", lambda *_: 2e9)
    figures = machine.measure(2)
    assert len(figures) == 4
    for figure in figures.values():
        assert 0 < figure["least"] <= figure["median"] <= figure["largest"]
    product = figures["matrix product, float32, GFLOP/s"]
    assert product["median"] == 2.0


def test_the_machine_is_described():
    facts = machine.describe()
    assert facts["cores"] > 0 and "tensorflow" in facts
