"""Kills the tools at random moments, and runs them again.

    python tools/kill.py --num_kills=20 --output=kill.json

draws images of small parts, trains a small model, and ends each command by
SIGKILL at random moments of its run. The same command then runs to its end, and
all it has written is compared with what an uninterrupted run writes: weights,
statistics, results without times, tables, pictures, the exported model; nothing
may be left over. Prints a table and writes a JSON. Exit code 1 if anything
differs.
"""

import os
import sys
import tempfile

from absl import flags

import cli
from ganad_tf import artifacts
from ganad_tf.benchmark import drawn_parts
from ganad_tf.benchmark import kill

_COMMANDS = flags.DEFINE_multi_enum(
    "command",
    list(kill.COMMANDS),
    list(kill.COMMANDS),
    "What to kill; sweep is that of train_gan.py. Repeatable. Default: all.",
)
_NUM_KILLS = flags.DEFINE_integer(
    "num_kills", 20, "Kills of each command.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments.", lower_bound=0)
_DATA = flags.DEFINE_string(
    "data", None, "Folder in MVTec-AD layout. Default: drawn parts."
)
_OUTPUT = flags.DEFINE_string(
    "output", "kill.json", "JSON file to write the figures to."
)


def _forget_flags() -> None:
    """A process that starts a tool imports this file, too: names would meet."""
    for flag in flags.FLAGS.get_flags_for_module(__name__):
        delattr(flags.FLAGS, flag.name)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = _DATA.value or drawn_parts.write_mvtec(
            os.path.join(folder, "data")
        )
        figures = kill.measure(
            os.path.dirname(os.path.abspath(__file__)),
            os.path.abspath(data),
            os.path.join(folder, "work"),
            names=_COMMANDS.value,
            num_kills=_NUM_KILLS.value,
            seed=_SEED.value,
            prepare=_forget_flags,
        )
    artifacts.write_json(_OUTPUT.value, figures)
    print(kill.table(figures))
    if any(facts["differences"] for facts in figures.values()):
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
