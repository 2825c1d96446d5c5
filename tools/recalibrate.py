"""Calibrates a model for new light by new good images, without training.

    python tools/recalibrate.py --model_dir=model --images=new_good/ \
        --export_dir=saved_models/parts

publishes the next version with the threshold that fits the new images, parity
checked, and says what changed. The model folder keeps its own detector; the new
one is below `model/recalibrated/`. 19 images are enough for alpha 0.05, 50 give
a rate between about .01 and .12. It refuses where the networks no longer
reconstruct the images, and says what to do then.
"""

from absl import flags

import cli
from ganad_tf.evaluation import formatting
from ganad_tf.production import recalibration

_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of a trained and fitted model.", required=True
)
_IMAGES = flags.DEFINE_string(
    "images",
    None,
    "Folder of new good images that nobody trained with.",
    required=True,
)
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir",
    None,
    "Folder of the model's versions, in which the next one appears. Default: "
    f"{recalibration.VERSIONS} in --model_dir.",
)
_NAME = flags.DEFINE_string(
    "name", None, "The model's name. Default: the name of --export_dir."
)
_STATISTICS = flags.DEFINE_bool(
    "statistics",
    False,
    "Also fit the reference statistics to new images: three quarters of them, "
    "while the others calibrate. For lasting changes and some hundred images.",
)
_ALPHA = flags.DEFINE_float(
    "alpha", None, "False-alarm rate. Default: that of the model."
)
_MARKS = flags.DEFINE_string(
    "marks",
    None,
    "List of images that are not good, or the marks that report.html "
    "downloads: images below --images that are left out.",
)
_GROUP_BY = flags.DEFINE_string(
    "group_by",
    None,
    "Which new images show one thing, as of train_gan.py: one of each counts. "
    'Default: as the model was trained. "(.*)": each image is a thing.',
)


def _lines(facts: dict) -> str:
    before, after = facts["before"], facts["after"]
    moved = sorted(
        facts["median_parts"].items(), key=lambda item: -abs(item[1])
    )
    parts = ", ".join(f"{name} {value:+.1f}" for name, value in moved[:3])
    rates = (
        formatting.percent(before["overkill_rate"]),
        formatting.percent_interval(before["overkill_rate_ci95"]),
        formatting.percent(after["overkill_rate"]),
        formatting.percent_interval(after["overkill_rate_expected95"]),
    )
    return (
        f"threshold: {before['threshold']:.4g} before; on the same scale "
        f"{after['threshold_on_earlier_scale']:.4g} now ("
        f"{after['threshold']:.4g} on the scale of the new images)\n"
        f"calibration images: {before['num_calibration']} before, "
        f"{after['num_calibration']} now\n"
        f"overkill before, on {before['num_images']} new images: {rates[0]} "
        f"({rates[1]} %)\n"
        f"overkill expected now: {rates[2]} ({rates[3]} %)\n"
        "what moved (median of new images; 0 was usual, 1 rare): "
        f"{parts}"
    )


def main() -> None:
    done = recalibration.recalibrate(
        _MODEL_DIR.value,
        _IMAGES.value,
        export_dir=_EXPORT_DIR.value,
        name=_NAME.value,
        statistics=_STATISTICS.value,
        alpha=_ALPHA.value,
        marks_path=_MARKS.value,
        group_by=_GROUP_BY.value,
    )
    print(_lines(done.facts))
    cli.finish(
        f"The new version is in {done.version}",
        f"python tools/score_images.py --saved_model={done.version} "
        "--images=<folder> --output=scores.csv",
    )


if __name__ == "__main__":
    cli.run(main)
