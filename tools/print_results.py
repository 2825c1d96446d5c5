"""Prints results.json of evaluations as a Markdown table.

python tools/print_results.py --results=a/results.json,b/results.json
"""

from absl import flags

import light_cli
from ganad_tf import artifacts
from ganad_tf.evaluation import result_tables

_RESULTS = flags.DEFINE_list(
    "results", None, "results.json files, separated by commas.", required=True
)


def main() -> None:
    evaluations = [
        artifacts.read_json(
            path, made_by="evaluate_detector.py", keys=["data", "methods"]
        )
        for path in _RESULTS.value
    ]
    print(result_tables.methods_table(evaluations))


if __name__ == "__main__":
    light_cli.run(main)
