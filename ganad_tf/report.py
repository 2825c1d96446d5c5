"""The report: one HTML page that shows how well the detector decides."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn import metrics

from ganad_tf import artifacts

QUALIFIED_COLOR, DEFECTIVE_COLOR = "#1f6fb4", "#c62828"
OURS = ("anomaly_score", "frechet_score", "reconstruction_error")
METHOD_HEADER = (
    "method",
    "AUROC",
    "95 % interval",
    "accuracy",
    "balanced accuracy",
    "overkill",
    "95 % interval",
    "escape",
)
# Deviations of qualified residuals that the colour scale of maps ends at.
MAP_LIMIT = 20.0
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em;
       margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { padding: .25em .8em; border-bottom: 1px solid #ddd;
         text-align: right; }
td:first-child, th:first-child { text-align: left; }
tr.ours { font-weight: 600; background: #f2f7fb; }
img { max-width: 100%; } figcaption, .note { color: #555; }
"""


class Panel(NamedTuple):
    """One image in a row of pictures."""

    caption: str  # file name, verdict, score and p-value
    image: np.ndarray  # (height, width, channels) in [-1, 1]
    reconstruction: np.ndarray  # (height, width, channels) in [-1, 1]
    anomaly_map: np.ndarray  # (height, width) in deviations


def select_panels(
    labels: np.ndarray,
    scores: np.ndarray,
    *,
    threshold: float,
    num_each: int = 4,
) -> dict[str, list[int]]:
    """Which images to look at, as row numbers under a heading.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: Floats of shape (n,); higher is more anomalous.
        threshold: From which score on an image is called defective.
        num_each: Images under each heading at the most.

    Returns:
        rows: For each heading that has images, their row numbers.
    """
    order = np.argsort(scores, kind="stable")
    missed = [r for r in order if labels[r] == 1 and scores[r] < threshold]
    stopped = [
        r for r in order[::-1] if labels[r] == 0 and scores[r] >= threshold
    ]
    found = [
        r for r in order[::-1] if labels[r] == 1 and scores[r] >= threshold
    ]
    close = np.argsort(np.abs(np.asarray(scores) - threshold), kind="stable")
    typical = [r for r in order if labels[r] == 0 and scores[r] < threshold]
    middle = len(typical) // 2
    chosen = {
        "Defective, and called qualified (escapes, worst first)": missed,
        "Qualified, and called defective (overkill, worst first)": stopped,
        "Closest to the threshold": list(close),
        "Defective, and found (clearest first)": found,
        "Qualified, and passed (the median)": typical[middle:],
    }
    return {
        heading: [int(row) for row in rows[:num_each]]
        for heading, rows in chosen.items()
        if rows
    }


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _gray_or_rgb(image: np.ndarray) -> np.ndarray:
    image = np.clip((image + 1.0) / 2.0, 0.0, 1.0)
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def caption(
    name: str, *, is_defective: bool, anomaly_score: float, p_value: float
) -> str:
    """What is written above the pictures of an image.

    Example:
    >>> caption("a.png", is_defective=True, anomaly_score=2.5, p_value=0.01)
    'a.png: DEFECTIVE, score 2.50, p = 0.010'
    """
    verdict = "DEFECTIVE" if is_defective else "qualified"
    return f"{name}: {verdict}, score {anomaly_score:.2f}, p = {p_value:.3f}"


def panels_png(panels: Sequence[Panel]) -> bytes:
    """Draws input, reconstruction and anomaly map of each panel side by side.

    Args:
        panels: `Panel`s, at least one; one row each.

    Returns:
        png: Encoded picture.
    """
    figure = _figure(6.6, 2.15 * len(panels))
    axes = figure.subplots(len(panels), 3, squeeze=False)
    for row, panel in zip(axes, panels, strict=True):
        pictures = (panel.image, panel.reconstruction)
        for axis, picture, name in zip(
            row, pictures, ("input", "reconstruction"), strict=False
        ):
            axis.imshow(_gray_or_rgb(picture))
            axis.set_xlabel(name, fontsize=8)
        shown = row[2].imshow(
            panel.anomaly_map, cmap="inferno", vmin=0.0, vmax=MAP_LIMIT
        )
        row[2].set_xlabel("anomaly map, deviations", fontsize=8)
        figure.colorbar(shown, ax=row[2], fraction=0.046)
        row[0].set_title(panel.caption, fontsize=8, loc="left")
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
    return _png(figure)


def roc_png(labels: np.ndarray, scores: dict[str, np.ndarray]) -> bytes:
    """Draws the ROC curve of each method.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective; both occur.
        scores: For each method, floats of shape (n,).

    Returns:
        png: Encoded picture.
    """
    curves = {
        name: metrics.roc_curve(labels, values)[:2]
        for name, values in scores.items()
    }
    return _curves_png(
        curves,
        "overkill rate (qualified called defective)",
        "share of defective images found",
    )


def precision_recall_png(
    labels: np.ndarray, scores: dict[str, np.ndarray]
) -> bytes:
    """Draws precision over recall of each method, as `roc_png` takes them."""
    curves = {}
    for name, values in scores.items():
        precision, recall, _ = metrics.precision_recall_curve(labels, values)
        curves[name] = recall, precision
    return _curves_png(
        curves,
        "recall (share of defective images found)",
        "precision (share of images called defective that are)",
    )


def _curves_png(curves: dict[str, tuple], xlabel: str, ylabel: str) -> bytes:
    figure = _figure(6.0, 4.6)
    axis = figure.subplots()
    for name, (x, y) in curves.items():
        ours = name in OURS
        width, style = (2.0, "-") if ours else (1.0, "--")
        axis.plot(x, y, label=name, lw=width, ls=style)
    axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(fontsize=8, loc="lower right")
    axis.grid(alpha=0.3)
    return _png(figure)


def histogram_png(
    labels: np.ndarray, scores: np.ndarray, threshold: float
) -> bytes:
    """Draws the scores of qualified and defective images, and the threshold.

    Args:
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: Floats of shape (n,).
        threshold: From which score on an image is called defective.

    Returns:
        png: Encoded picture.
    """
    figure = _figure(6.0, 3.2)
    axis = figure.subplots()
    bins = np.linspace(scores.min(), scores.max(), 50)
    for label, name, color in (
        (0, "qualified", QUALIFIED_COLOR),
        (1, "defective", DEFECTIVE_COLOR),
    ):
        values = scores[labels == label]
        axis.hist(
            values,
            bins,
            alpha=0.6,
            color=color,
            label=f"{name} ({len(values)})",
        )
    axis.axvline(threshold, color="black", lw=1.2, label="threshold")
    axis.set_xlabel("anomaly score of test images")
    axis.set_ylabel("images")
    axis.legend(fontsize=8, loc="upper right")
    return _png(figure)


def _image(png: bytes, caption: str) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'<figure><img alt="{html.escape(caption)}" '
        f'src="data:image/png;base64,{data}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells, tag, kind=""):
        inside = "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells)
        return f"<tr{kind}>{inside}</tr>"

    body = [
        line(row, "td", ' class="ours"' if row[0] in OURS else "")
        for row in rows
    ]
    return f"<table>{line(header, 'th')}{''.join(body)}</table>"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _interval(ends: list[float] | None) -> str:
    return "–" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def method_row(results: dict[str, Any], name: str) -> tuple[str, ...]:
    """One method's figures as text, in the order of `METHOD_HEADER`.

    Args:
        results: The content of `results.json`.
        name: One of `results["methods"]`.

    Returns:
        cells: The method's name and its figures.
    """
    point = results["methods"][name]
    low, high = point["overkill_rate_ci95"]
    return (
        name,
        _number(results["auroc"][name]),
        _interval(results["auroc_ci95"][name]),
        _percent(point["accuracy"]),
        _percent(point["balanced_accuracy"]),
        _percent(point["overkill_rate"]),
        f"{100 * low:.1f} to {100 * high:.1f} %",
        _percent(point["escape_rate"]),
    )


def _methods_table(results: dict[str, Any]) -> str:
    rows = [method_row(results, name) for name in results["methods"]]
    return _table(METHOD_HEADER, rows)


def _verdict(results: dict[str, Any]) -> str:
    qualified, defective = (
        results["num_test_qualified"],
        results["num_test_defective"],
    )
    words = (
        f"At a false-alarm rate of {results['alpha']:g}, "
        f"{round((results['overkill_rate'] or 0) * qualified)} of {qualified} "
        "qualified test images are called defective (overkill)"
    )
    if defective:
        words += (
            f", and {round(results['escape_rate'] * defective)} of {defective} "
            "defective ones are called qualified (escapes)"
        )
    return words + "."


def _set_rows(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (name, str(results["frechet_num_images"][name]), _number(value, 1))
        for name, value in results["frechet_by_set"].items()
    ]


def _optional_sections(results: dict[str, Any]) -> list[str]:
    parts = []
    if results.get("pixel"):
        pixel = results["pixel"]
        parts.append(
            f"<p>Pixels, where masks exist: AUROC {_number(pixel['auroc'])}, "
            f"AUPRO {_number(pixel['aupro'])} (up to a false-positive rate of "
            "0.3).</p>"
        )
    if results.get("control"):
        control = results["control"]
        parts.append(
            f"<p>Control images (qualified, kept apart): "
            f"{_percent(control['overkill_rate'])} of "
            f"{control['num_images']} are called defective.</p>"
        )
    if results["unreadable"]:
        rows = [(row["name"], row["status"]) for row in results["unreadable"]]
        parts.append("<h2>Files left out</h2>")
        parts.append(_table(("file", "reason"), rows))
    return parts


def write_report(
    path: str,
    results: dict[str, Any],
    *,
    labels: np.ndarray,
    scores: dict[str, np.ndarray],
    threshold: float,
    panels: dict[str, Sequence[Panel]],
) -> None:
    """Writes the report as one HTML file that needs no other.

    Args:
        path: Where to.
        results: The content of `results.json`.
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: For each method, floats of shape (n,); `anomaly_score` first.
        threshold: Anomaly score from which on an image is called defective.
        panels: `Panel`s under each heading.
    """
    labels, ours = np.asarray(labels), np.asarray(scores["anomaly_score"])
    summary = ", ".join(
        f"{results[key]} {key.removeprefix('num_').replace('_', ' ')}"
        for key in (
            "num_train",
            "num_calibration",
            "num_test_qualified",
            "num_test_defective",
        )
    )
    parts = [
        f"<h1>Defect detection on {html.escape(results['data'])}</h1>",
        f"<p><b>{html.escape(_verdict(results))}</b></p>",
        f'<p class="note">Images: {summary}. Method {results["method"]}, seed '
        f"{results['seed']}, threshold {threshold:.4g}, "
        f"{results['images_per_second']:.0f} images/s. Nothing was fitted or "
        "chosen by defective or by test images.</p>",
        *_optional_sections(results),
        "<h2>Methods</h2>",
        _methods_table(results),
        '<p class="note">AUROC: how often a defective image scores higher than '
        "a qualified one. The decisions of all methods are made at the same "
        "false-alarm rate by the same calibration images.</p>",
    ]
    if results["num_test_defective"]:
        parts.append(_image(roc_png(labels, scores), "ROC curves"))
    parts += [
        _image(histogram_png(labels, ours, threshold), "Anomaly scores"),
        "<h2>Defect types</h2>",
        _table(
            ("defect type", "AUROC of anomaly_score"),
            [(k, _number(v)) for k, v in results["auroc_by_type"].items()],
        ),
        "<h2>Fréchet distance to the qualified reference, by set</h2>",
        _table(("set", "images", "distance"), _set_rows(results)),
        '<p class="note">Distances of small sets are biased upwards: compare '
        "sets of like size.</p>",
    ]
    for heading, chosen in panels.items():
        parts.append(f"<h2>{html.escape(heading)}</h2>")
        parts.append(_image(panels_png(chosen), heading))
    artifacts.write_text(
        path,
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>ganad_tf: {html.escape(results['data'])}</title>"
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n",
    )
