"""What TensorBoard shows of a monitor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ganad_tf.production.drift_figures import Window
from ganad_tf.production.line_monitor import Monitored
from ganad_tf.training import tensorboard_runs

RUN_NAME = "monitor"


def write_summaries(
    logdir: str, monitored: Monitored, windows: Sequence[Window]
) -> None:
    """Writes scalars by image number; an earlier run is replaced.

    Args:
        logdir: Folder that TensorBoard shows; the run is `logs/monitor`.
        monitored: Of the stream.
        windows: Of the stream.
    """
    with tensorboard_runs.new_run(logdir, RUN_NAME) as folder:
        writer = tf.summary.create_file_writer(folder)
        with writer.as_default():
            for window in windows:
                _write_window(monitored, window)
        writer.close()


def _write_window(monitored: Monitored, window: Window) -> None:
    step = window.stop
    values = {
        "share_below_alpha": window.share_below,
        "ks_p_value": window.ks_p_value,
        **{f"shift_of_{name}": v for name, v in window.shifts.items()},
        **{
            f"log10_capital_{kind}": path[step - 1] / np.log(10.0)
            for kind, path in monitored.log_capital.items()
        },
    }
    for name, value in values.items():
        if value is not None:
            tf.summary.scalar(f"monitor/{name}", value, step)
