"""Says whether a line's images are still like the calibration images.

    python tools/monitor_scores.py --scores=scores.csv --report=monitor.html

reads the scores of score_images.py in the order of time: a table, its shards
(`--scores="out/scores-*.csv"`, also Parquet), or request logs of TensorFlow
Serving. It tells more defects from a line on which everything has moved. The
exit code is 0 for an unchanged line, 2 for more defects, 3 for a line that has
moved, 1 for an error. Images that are still where the table says are opened for
their brightness and sharpness: leave them there. An unchanged line raises a
false alarm with a probability of at most 1 % over its whole life, however often
this is run on its growing table. Scores are of one version of the model: after
a recalibration, start a new table.
"""

import sys

from absl import flags

import light_cli
from ganad_tf.production import line_monitor
from ganad_tf.production import score_stream
from ganad_tf.production import watching

_SCORES = flags.DEFINE_string(
    "scores",
    None,
    "Tables of scores or request logs: files and glob patterns, separated by "
    "commas.",
    required=True,
)
_REPORT = flags.DEFINE_string("report", None, "HTML page to write.")
_LOGDIR = flags.DEFINE_string(
    "logdir", None, "Folder for TensorBoard; the run is logs/monitor in it."
)
_METRICS_FILE = flags.DEFINE_string(
    "metrics_file",
    None,
    "File to write in Prometheus' text format, for node_exporter's textfile "
    "collector.",
)
_REFERENCE = flags.DEFINE_string(
    "reference",
    None,
    "Scores of a time when all was well, which medians are compared with. "
    "Default: the first window.",
)
_ALPHA = flags.DEFINE_float(
    "alpha", 0.05, "False-alarm rate whose share of images is shown."
)
_WINDOW = flags.DEFINE_integer(
    "window", watching.WINDOW, "Images of a window.", lower_bound=10
)
_NUM_CALIBRATION = flags.DEFINE_integer(
    "num_calibration",
    None,
    "Calibration images of the model (num_calibration of its manifest). "
    "Default: by the p-values.",
    lower_bound=2,
)
_ORDER = flags.DEFINE_enum(
    "order",
    score_stream.ORDERS[0],
    score_stream.ORDERS,
    "rows: as the tables have them; time: by the time of the image files.",
)
_EXIT_CODES = {
    line_monitor.UNCHANGED: 0,
    line_monitor.MORE_DEFECTS: 2,
    line_monitor.MOVED: 3,
}
_RECALIBRATE = (
    "python tools/recalibrate.py --model_dir=<model> --images=<new good images>"
)


def main() -> None:
    watched = watching.monitor_scores(
        _SCORES.value,
        report=_REPORT.value,
        logdir=_LOGDIR.value,
        metrics_file=_METRICS_FILE.value,
        reference=_REFERENCE.value,
        alpha=_ALPHA.value,
        window=_WINDOW.value,
        num_calibration=_NUM_CALIBRATION.value,
        order=_ORDER.value,
    )
    verdict = watched.monitored.verdict
    print(f"{len(watched.images)} images: {verdict}. {watched.words}")
    if watched.monitored.onset is not None:
        first = watched.images[watched.monitored.onset]
        print(f"It began near {first.path}.")
    if verdict == line_monitor.MOVED:
        print(_RECALIBRATE)
    sys.exit(_EXIT_CODES[verdict])


if __name__ == "__main__":
    light_cli.run(main)
