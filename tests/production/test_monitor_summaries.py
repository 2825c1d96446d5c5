import glob

import scored
import tensorflow as tf

from ganad_tf.production import watching


def test_tensorboard_gets_scalars_by_image_number(tmp_path):
    path = scored.write(tmp_path / "s.csv", scored.rows(200))
    watching.monitor_scores(path, logdir=str(tmp_path / "board"), window=50)
    (file,) = glob.glob(f"{tmp_path}/board/logs/monitor/*tfevents*")
    steps = {}
    for event in tf.compat.v1.train.summary_iterator(file):
        for value in event.summary.value:
            steps.setdefault(value.tag, []).append(event.step)
    assert steps["monitor/share_below_alpha"] == [50, 100, 150, 200]
    assert "monitor/log10_capital_moved" in steps
    assert "monitor/shift_of_frechet_score" in steps
    assert "monitor/shift_of_brightness" not in steps
