import pytest
from absl import logging

from ganad_tf.benchmark import chain
from ganad_tf.errors import UserError

RESULTS = {"auroc": {"anomaly_score": 0.9, "pca": 0.7, "lof": 0.8}}


@pytest.fixture
def called(monkeypatch):
    """Calls of the three steps, which do nothing but warn."""
    calls = []

    def step(name, result=None):
        def run(*paths, **arguments):
            logging.warning("%s is asked for", name)
            calls.append((name, paths, arguments))
            return result

        return run

    monkeypatch.setattr(chain, "train_gan", step("train"))
    monkeypatch.setattr(chain, "fit_detector", step("fit"))
    monkeypatch.setattr(chain, "evaluate_detector", step("figures", RESULTS))
    return calls


def test_a_run_goes_by_defaults_and_is_kept(called, tmp_path):
    outcome = chain.run_chain(
        "data", str(tmp_path), seed=3, settings={"width": 4}
    )
    model, report = f"{tmp_path}/model", f"{tmp_path}/plain_report"
    assert called == [
        ("train", ("data", model), {"seed": 3, "width": 4}),
        ("fit", ("data", model), {"trim": False}),
        ("figures", ("data", model, report), {}),
    ]
    assert len(outcome.warnings) == 3
    assert chain.best_baseline(outcome.results) == ("lof", 0.8)
    again = chain.run_chain("data", str(tmp_path), seed=3, settings={})
    assert again == outcome and len(called) == 3


def test_the_same_networks_are_fitted_with_trim(called, tmp_path):
    for trim in (False, True):
        chain.run_chain("data", str(tmp_path), seed=0, settings={}, trim=trim)
    fits = [call for call in called if call[0] == "fit"]
    assert fits[0][1] == fits[1][1]
    assert [call[2]["trim"] for call in fits] == [False, True]


def test_an_error_of_the_user_is_what_the_tools_would_say(
    tmp_path, monkeypatch
):
    def train(*_, **__):
        logging.warning("few %d", 3)
        raise UserError("too few")

    monkeypatch.setattr(chain, "train_gan", train)
    outcome = chain.run_chain("data", str(tmp_path), seed=0, settings={})
    assert outcome == chain.Outcome(None, "too few", ["few 3"])


def test_a_run_that_ended_early_is_run_again(called, tmp_path, monkeypatch):
    def train(*_, **__):
        raise UserError("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(chain, "train_gan", train)
        ended = chain.run_chain("data", str(tmp_path), seed=0, settings={})
    assert ended.error == "the disk is full"
    again = chain.run_chain("data", str(tmp_path), seed=0, settings={})
    assert again.error is None and again.results == RESULTS


def test_what_changes_the_results_changes_the_folder():
    folders = {
        chain.folder_of("runs", data, seed=seed, settings=settings)
        for data in ("a/bolt", "b/bolt", "elpv:mono")
        for seed in (0, 1)
        for settings in ({}, {"num_steps": 3})
    }
    assert len(folders) == 12
    assert all(":" not in folder for folder in folders)
