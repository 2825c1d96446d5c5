import os

import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from ganad_tf.data.dataset import ImageFile
from ganad_tf.data.dataset import Split
from ganad_tf.training import tensorboard_runs


def files(part, count, defect_type="good"):
    return tuple(
        ImageFile(f"/{part}{n}.png", f"{part}{n}.png", 0, defect_type, part)
        for n in range(count)
    )


def test_the_text_page_tells_settings_data_and_versions():
    split = Split(files("train", 5), (), (), files("test", 2, "dent"), (), ())
    text = tensorboard_runs.settings_text(
        settings={"width": 4}, versions={"numpy": "2"}, data="a", split=split
    )
    for line in ("| width | 4 |", "| numpy | 2 |", "| train | 5 |", "dent"):
        assert line in text


def test_a_second_run_replaces_the_first(tmp_path):
    for value in (1.0, 2.0):
        tensorboard_runs.write_hparams(
            str(tmp_path), {"field": None}, {"auroc": value, "none": None}
        )
    folder = tmp_path / "logs" / "hparams"
    assert len(os.listdir(folder)) == 1
    events = event_accumulator.EventAccumulator(str(folder)).Reload()
    (event,) = events.Tensors("metrics/auroc")
    assert tf.make_ndarray(event.tensor_proto) == 2.0


def test_a_run_that_fails_leaves_the_older_one(tmp_path):
    model_dir = str(tmp_path)
    with tensorboard_runs.new_run(model_dir, "evaluation") as folder:
        (tmp_path / "first").touch()
        os.rename(tmp_path / "first", os.path.join(folder, "first"))
    target = tensorboard_runs.log_dir(model_dir, "evaluation")
    try:
        with tensorboard_runs.new_run(model_dir, "evaluation"):
            raise InterruptedError
    except InterruptedError:
        pass
    assert os.listdir(target) == ["first"]
