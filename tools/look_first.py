"""Shows the training images that are most unlike the rest, to be cleaned.

    python tools/look_first.py --data=parts/ --model_dir=model \
        --output=look_first.html

A training set may hold defects that nobody has noticed. Each training and
calibration image is compared with the statistics of the others (three folds);
the page shows the most unusual ones with their maps. Marks that one downloads
there are what `train_gan.py --exclude` takes.
"""

from absl import flags

import cli
from ganad_tf.production import first_look

_DATA = flags.DEFINE_string(
    "data", None, "The --data that the GAN was trained on.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of a trained and fitted model.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", "look_first.html", "HTML page to write."
)


def main() -> None:
    looked = first_look.look_first(_DATA.value, _MODEL_DIR.value, _OUTPUT.value)
    print(
        f"{looked.num_outliers} of {len(looked.files)} images are outliers. "
        "The most unusual ones:"
    )
    print("\n".join(file.name for file in looked.files[:10]))
    cli.finish(
        f"The page is {_OUTPUT.value}",
        f"python tools/train_gan.py --data={_DATA.value} "
        "--exclude=<marks.csv of the page> --model_dir=<new model>",
    )


if __name__ == "__main__":
    cli.run(main)
