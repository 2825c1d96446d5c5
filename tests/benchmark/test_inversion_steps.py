from ganad_tf.benchmark import inversion_steps
from ganad_tf.benchmark.trained_model import TrainedModel


def test_each_setting_has_a_gain_and_a_cost(parts_model, monkeypatch):
    settings = []

    def refit(model, num_steps):
        settings.append(num_steps)
        return model.detector

    monkeypatch.setattr(TrainedModel, "refit", refit)
    figures = inversion_steps.measure(parts_model, (0, 1))
    assert settings == [0, 1]
    assert list(figures) == ["speed dial, 0 steps", "speed dial, 1 steps"]
    for figure in figures.values():
        assert 0 <= figure["auroc"] <= 1
        assert figure["images_per_second"] > 0
        assert set(figure) == {"auroc", "images_per_second", "threshold"}
