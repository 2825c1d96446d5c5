import json

from absl import logging
from conftest import make_parts
from conftest import write_images

from ganad_tf.benchmark import chain
from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.errors import UserError

TINY = {
    "image_size": 32,
    "width": 4,
    "batch_size": 8,
    "num_steps": 2,
    "field_steps": 0,
}


def test_ten_good_images_give_a_model_with_what_it_can_promise(tmp_path):
    write_images(tmp_path / "data/train/good", make_parts(10, seed=0))
    write_images(tmp_path / "data/test/good", make_parts(4, seed=1))
    defects = scratch(make_parts(4, seed=2))
    write_images(tmp_path / "data/test/scratch", defects)
    run = (str(tmp_path / "data"), str(tmp_path / "run"))
    outcome = chain.run_chain(*run, seed=0, settings=TINY)
    results = outcome.results
    assert (results["num_train"], results["num_calibration"]) == (6, 4)
    assert results["alpha"] == 0.2
    assert any("promise is 1/(4 + 1) = 0.2" in w for w in outcome.warnings)
    assert len(chain.best_baseline(results)) == 2
    config = json.loads((tmp_path / "run/model/config.json").read_text())
    assert config["latent_dim"] == 4 * 6 - 1
    kept = chain.run_chain(*run, seed=0, settings={"num_steps": "no number"})
    assert kept.results["auroc"] == results["auroc"]


def test_an_error_of_the_user_is_what_the_tools_would_say(
    tmp_path, monkeypatch
):
    def train(*_, **__):
        logging.warning("few %d", 3)
        raise UserError("too few")

    monkeypatch.setattr(chain, "train_gan", train)
    outcome = chain.run_chain("data", str(tmp_path), seed=0, settings={})
    assert outcome == chain.Outcome(None, "too few", ["few 3"])


def test_what_changes_the_results_changes_the_folder():
    folders = {
        chain.folder_of("runs", data, seed=seed, settings=settings)
        for data in ("a/bolt", "elpv:mono")
        for seed in (0, 1)
        for settings in ({}, {"num_steps": 3})
    }
    assert len(folders) == 8
    assert all(":" not in folder for folder in folders)
