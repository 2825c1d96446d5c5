"""Prints results.json of evaluations as a Markdown table.

python tools/print_results.py --results=a/results.json,b/results.json
"""

from absl import flags

import cli
from ganad_tf import artifacts
from ganad_tf.evaluation import report

_RESULTS = flags.DEFINE_list(
    "results", None, "results.json files, separated by commas.", required=True
)


def _line(results: dict, name: str) -> tuple[str, ...]:
    """The report's row of a method, behind the data, with our method marked."""
    _, *figures = report.method_row(results, name)
    ours = f"{results['method']}: {name}" if name in report.OURS else name
    shown = f"**{ours}**" if name == "anomaly_score" else ours
    return (results["data"], shown, *figures)


def main() -> None:
    lines, seen = [], set()
    for path in _RESULTS.value:
        results = artifacts.read_json(path, made_by="evaluate_detector.py")
        names = [
            name
            for name in results["methods"]
            if name in report.OURS or (results["data"], name) not in seen
        ]
        lines += [_line(results, name) for name in names]
        seen |= {(results["data"], name) for name in names}
    header = ("data", *report.METHOD_HEADER)
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for line in lines:
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    cli.run(main)
