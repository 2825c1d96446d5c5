"""Measures the peak memory of the tools for few and for many files.

    python tools/measure_memory.py --num_files=1000 --num_files=50000

draws so many small parts, then trains, fits, evaluates, exports and scores,
each in a process of its own. Prints a Markdown table and writes a JSON; exit
code 1 says that the peak of a tool differs by more than a fifth. The default
takes half an hour on one core.
"""

import os
import sys

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf.benchmark import tool_memory

_NUM_FILES = flags.DEFINE_multi_integer(
    "num_files",
    [1000, 50000],
    "Files of a folder; repeatable, the fewest first.",
    lower_bound=100,
)
_OUTPUT = flags.DEFINE_string(
    "output", "memory.json", "JSON file to write the figures to."
)
_MOST = 1.2


def main() -> None:
    tools = os.path.dirname(os.path.abspath(__file__))
    costs = tool_memory.measure(tools, _NUM_FILES.value)
    artifacts.write_json(
        _OUTPUT.value,
        {
            name: {count: cost._asdict() for count, cost in of_tool.items()}
            for name, of_tool in costs.items()
        },
    )
    print(tool_memory.table(costs))
    for name, of_tool in costs.items():
        first, *_, last = (cost.megabytes for cost in of_tool.values())
        if last > _MOST * first:
            logging.error("The memory of %s grows with the files.", name)
            sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
