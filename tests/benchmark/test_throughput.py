import pytest

from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import throughput


@pytest.fixture
def small(monkeypatch):
    """Few images of 64x64 pixels, and small networks for them."""
    gan = synthetic.build_gan(latent_dim=6, width=2)
    monkeypatch.setattr(synthetic, "build_gan", lambda: gan)
    monkeypatch.setattr(throughput, "_NUM_IMAGES", 32)
    monkeypatch.setattr(throughput, "_BATCH_SIZES", (1, 4))


def test_training_is_measured_with_and_without_its_input(small):
    figures = throughput.measure_training(num_runs=1, num_steps=1)
    assert len(figures) == 3
    assert all(figure["median"] > 0 for figure in figures.values())
    shares = ["share" in figure for figure in figures.values()]
    assert shares == [True, True, False]


def test_inversion_and_scoring_are_measured_by_batch_size(small):
    figures = throughput.measure_inversion(num_runs=1)
    assert len(figures) == 2
    assert all(0 < figure["share"] < 2 for figure in figures.values())
    figures = throughput.measure_scoring(num_runs=1)
    assert len(figures) == 3 * 2
    assert all(figure["median"] > 0 for figure in figures.values())
