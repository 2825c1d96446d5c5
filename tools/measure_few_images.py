"""Measures what a detector is worth, and promises, with few good images.

    python tools/measure_few_images.py --sets=/data/wood,elpv:mono \
        --output_dir=/tmp/few

draws 10, 20, 50, 100 and 200 good training images of each set, trains, fits
and evaluates with the defaults on the same test images, and prints a Markdown
table: AUROC, overkill promised and observed, and what the tools said. A second
run repeats nothing that is complete.
"""

from absl import flags

import cli
import sets_cli
from ganad_tf.benchmark import few_images

_NUMBERS = flags.DEFINE_list(
    "numbers",
    list(map(str, few_images.NUM_IMAGES)),
    "Of good images that train and calibrate.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Of draws and training.", lower_bound=0)


def main() -> None:
    rows = few_images.measure(
        **sets_cli.arguments(),
        numbers=sets_cli.integers("numbers", _NUMBERS.value),
        seed=_SEED.value,
    )
    print(few_images.markdown(rows))


if __name__ == "__main__":
    cli.run(main)
