"""Prints results.json of evaluations as a Markdown table.

python tools/print_results.py --results=a/results.json,b/results.json
"""

from absl import flags

import cli
from ganad_tf import artifacts

_RESULTS = flags.DEFINE_list(
    "results", None, "results.json files, separated by commas.", required=True
)
_HEADER = (
    "data",
    "method",
    "AUROC",
    "95 % interval",
    "accuracy",
    "balanced accuracy",
    "overkill",
    "95 % interval",
    "escape",
)
_OURS = ("anomaly_score", "frechet_score", "reconstruction_error")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _line(results: dict, name: str) -> list[str]:
    point = results["methods"][name]
    area, interval = results["auroc"][name], results["auroc_ci95"][name]
    low, high = point["overkill_rate_ci95"]
    ours = f"{results['method']}: {name}" if name in _OURS else name
    return [
        results["data"],
        f"**{ours}**" if name == "anomaly_score" else ours,
        "–" if area is None else f"{area:.3f}",
        "–" if area is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        _percent(point["accuracy"]),
        _percent(point["balanced_accuracy"]),
        _percent(point["overkill_rate"]),
        f"{100 * low:.1f} to {100 * high:.1f} %",
        _percent(point["escape_rate"]),
    ]


def main() -> None:
    lines, seen = [], set()
    for path in _RESULTS.value:
        results = artifacts.read_json(path, made_by="evaluate_detector.py")
        names = [
            name
            for name in results["methods"]
            if name in _OURS or (results["data"], name) not in seen
        ]
        lines += [_line(results, name) for name in names]
        seen |= {(results["data"], name) for name in names}
    print("| " + " | ".join(_HEADER) + " |")
    print("|" + "---|" * len(_HEADER))
    for line in lines:
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    cli.run(main)
