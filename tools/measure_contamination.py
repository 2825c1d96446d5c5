"""Measures what unnoticed defects among the training images cost.

    python tools/measure_contamination.py --sets=/data/wood,elpv:mono \
        --output_dir=/tmp/dirty

plants defective test images among the training images of each set (0, 1, 5 and
10 % of them), trains, fits with and without --trim, evaluates on the other
test images, looks at the training images first (look_first.py), and prints a
Markdown table: AUROC and its loss, overkill, and how many of the planted ones
are in the first tenth to look at. A second run repeats nothing that is
complete.
"""

from absl import flags

import cli
import sets_cli
from ganad_tf.benchmark import contamination

_PERCENT = flags.DEFINE_list(
    "percent",
    [f"{100 * share:g}" for share in contamination.SHARES],
    "Of the training images that are planted defects, 0 to 50.",
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of the runs.")


def main() -> None:
    percents = sets_cli.integers("percent", _PERCENT.value, most=50)
    rows = contamination.measure(
        **sets_cli.arguments(),
        shares=[percent / 100 for percent in percents],
        seeds=sets_cli.integers("seeds", _SEEDS.value),
    )
    print(contamination.markdown(rows))


if __name__ == "__main__":
    cli.run(main)
