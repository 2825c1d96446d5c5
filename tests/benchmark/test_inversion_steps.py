from ganad_tf.benchmark import inversion_steps


def test_each_setting_has_a_gain_and_a_cost(parts_model):
    figures = inversion_steps.measure(parts_model, (0, 1))
    assert list(figures) == ["speed dial, 0 steps", "speed dial, 1 steps"]
    for figure in figures.values():
        assert 0 <= figure["auroc"] <= 1
        assert figure["images_per_second"] > 0
    thresholds = [figure["threshold"] for figure in figures.values()]
    assert thresholds[0] != thresholds[1]
