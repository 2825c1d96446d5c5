from ganad_tf.benchmark import suite
from ganad_tf.benchmark.load import LoadPlan


def test_a_quick_run_measures_less_everywhere():
    settings = suite.Settings(load=LoadPlan(num_requests=500, num_clients=3))
    quick = settings.quick()
    assert quick.folder_sizes == (100, 1000)
    assert quick.load == LoadPlan(num_requests=50, num_clients=3)
    assert quick.step_counts == ()
    for name in ("num_runs", "num_training_steps", "num_peer_steps"):
        assert getattr(quick, name) < getattr(settings, name)


def test_parts_without_their_needs_are_marked(monkeypatch):
    monkeypatch.setattr(suite.process_memory, "obstacle", lambda: "no /proc")
    parts = suite.list_parts(suite.Settings(), score_tool="score_images.py")
    obstacles = {part.name: part.obstacle for part in parts}
    assert len(obstacles) == len(parts) == 10
    assert obstacles["exported model"] == "no /proc"
    assert "--model_dir" in obstacles["AnoGAN's search"]
    assert obstacles["training"] is None


def test_settings_reach_the_parts(monkeypatch):
    given = {}
    for module, name in (
        (suite.growth, "measure"),
        (suite.folder_size, "measure"),
        (suite.machine, "measure"),
        (suite.throughput, "measure_training"),
    ):
        monkeypatch.setattr(
            module,
            name,
            lambda *args, key=module.__name__, **kwargs: given.update(
                {key.rpartition(".")[2]: (args, kwargs)}
            ),
        )
    settings = suite.Settings(num_runs=7, folder_sizes=(3, 4))
    for part in suite.list_parts(settings, score_tool="score_images.py"):
        if part.name in (
            "ceilings of the machine",
            "training",
            "growth with size, steps and latents",
            "growth with the number of images",
        ):
            part.measure()
    assert given == {
        "machine": ((7,), {}),
        "throughput": ((), {"num_runs": 7, "num_steps": 30}),
        "growth": ((), {"num_runs": 7, "num_sizes": 3}),
        "folder_size": (((3, 4),), {"num_runs": 7}),
    }
