"""The report: one HTML page that shows how well the detector decides."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.figure import SubFigure
from PIL import Image
from scipy import ndimage
from sklearn import metrics

from ganad_tf import artifacts
from ganad_tf.evaluation import misses
from ganad_tf.score_parts import MAP_LIMIT

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
# Largest side in pixels of the pictures of missed images.
OVERLAY_SIZE = 128
MAP_UNIT = "1: the top hundredth of qualified pixels"
CONTOUR_COLOR = "#00e5ff"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em;
       margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { padding: .25em .8em; border-bottom: 1px solid #ddd;
         text-align: right; }
td:first-child, th:first-child { text-align: left; }
tr.ours { font-weight: 600; background: #f2f7fb; }
td.words { text-align: left; }
img { max-width: 100%; }
img.overlay { width: 27em; max-width: none; image-rendering: pixelated; }
figcaption, .note { color: #555; }
"""


class Panel(NamedTuple):
    """One image in a row of pictures."""

    caption: str  # file name, verdict, score and p-value
    image: np.ndarray  # (height, width, channels) in [-1, 1]
    reconstruction: np.ndarray  # (height, width, channels) in [-1, 1]
    anomaly_map: np.ndarray  # (height, width), 1 is rare
    map_threshold: float | None = None  # where a contour is drawn, if at all


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


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches at 100 pixels an inch."""
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def encode_png(figure: Figure) -> bytes:
    """The figure as a PNG file's content."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def displayable(image: np.ndarray) -> np.ndarray:
    """RGB of shape (height, width, 3) in [0, 1] of gray or RGB in [-1, 1]."""
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
    """Draws each panel in a row: what came in, what was made of it, and where.

    Input, reconstruction, anomaly map with its colour scale, and the input
    again with a contour where the map passes its threshold.

    Args:
        panels: `Panel`s, at least one; one row each, all of one shape.

    Returns:
        png: Encoded picture.
    """
    height, width = panels[0].image.shape[:2]
    row_height = min(max(2.0 * height / width, 0.9), 4.0) + 0.55
    figure = new_figure(8.8, row_height * len(panels))
    rows = figure.subfigures(len(panels), 1, squeeze=False)[:, 0]
    for row, panel in zip(rows, panels, strict=True):
        _draw_panel(row, panel)
    return encode_png(figure)


def _draw_panel(row: SubFigure, panel: Panel) -> None:
    row.suptitle(panel.caption, fontsize=9, x=0.01, ha="left")
    axes = row.subplots(1, 4)
    extent = (
        -0.5,
        panel.image.shape[1] - 0.5,
        panel.image.shape[0] - 0.5,
        -0.5,
    )
    pictures = (panel.image, panel.reconstruction, None, panel.image)
    names = ("input", "reconstruction", "anomaly map", "where")
    for axis, picture, name in zip(axes, pictures, names, strict=True):
        axis.set(xticks=[], yticks=[])
        axis.set_xlabel(name, fontsize=8)
        if picture is not None:
            axis.imshow(displayable(picture), extent=extent)
    shown = axes[2].imshow(
        panel.anomaly_map,
        cmap="inferno",
        vmin=0.0,
        vmax=MAP_LIMIT,
        extent=extent,
    )
    bar = row.colorbar(shown, ax=axes[2], fraction=0.046, extend="max")
    bar.ax.tick_params(labelsize=7)
    bar.set_label(MAP_UNIT, fontsize=7)
    _draw_contour(axes, bar.ax, panel, extent)


def _draw_contour(axes, bar, panel: Panel, extent) -> None:
    threshold = panel.map_threshold
    if threshold is None:
        return
    bar.axhline(threshold, color=CONTOUR_COLOR, lw=1.5)
    if panel.anomaly_map.max() <= threshold:
        axes[3].set_xlabel(
            "where: nowhere above\nthe map's threshold", fontsize=8
        )
        return
    left, right, bottom, top = extent
    rows, columns = panel.anomaly_map.shape
    for axis in axes[2:]:
        axis.contour(
            # Pixel centres of the map in the picture's coordinates.
            left + (np.arange(columns) + 0.5) * (right - left) / columns,
            top + (np.arange(rows) + 0.5) * (bottom - top) / rows,
            panel.anomaly_map,
            [threshold],
            colors=CONTOUR_COLOR,
            linewidths=1.2,
        )
    axes[3].set_xlabel(f"where: above {threshold:.3g}", fontsize=8)


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
    figure = new_figure(6.0, 4.6)
    axis = figure.subplots()
    for name, (x, y) in curves.items():
        ours = name in OURS
        width, style = (2.0, "-") if ours else (1.0, "--")
        axis.plot(x, y, label=name, lw=width, ls=style)
    axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(fontsize=8, loc="lower right")
    axis.grid(alpha=0.3)
    return encode_png(figure)


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
    figure = new_figure(6.0, 3.2)
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
    return encode_png(figure)


def image_html(png: bytes, caption: str) -> str:
    """A picture with its caption, inside the page."""
    data = base64.b64encode(png).decode()
    return (
        f'<figure><img alt="{html.escape(caption)}" '
        f'src="data:image/png;base64,{data}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def table_html(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; rows of our own scores stand out."""

    def line(cells, tag, kind=""):
        inside = "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells)
        return f"<tr{kind}>{inside}</tr>"

    body = [
        line(row, "td", ' class="ours"' if row[0] in OURS else "")
        for row in rows
    ]
    return f"<table>{line(header, 'th')}{''.join(body)}</table>"


def number(value: float | None, digits: int = 3) -> str:
    """A number as text, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as text, or a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def interval(ends: list[float] | None) -> str:
    """An interval as text, or a dash where there is none."""
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
        number(results["auroc"][name]),
        interval(results["auroc_ci95"][name]),
        percent(point["accuracy"]),
        percent(point["balanced_accuracy"]),
        percent(point["overkill_rate"]),
        f"{100 * low:.1f} to {100 * high:.1f} %",
        percent(point["escape_rate"]),
    )


def _methods_table(results: dict[str, Any]) -> str:
    rows = [method_row(results, name) for name in results["methods"]]
    return table_html(METHOD_HEADER, rows)


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
        (name, str(results["frechet_num_images"][name]), number(value, 1))
        for name, value in results["frechet_by_set"].items()
    ]


def _optional_sections(results: dict[str, Any]) -> list[str]:
    parts = []
    if results.get("pixel"):
        pixel = results["pixel"]
        parts.append(
            f"<p>Pixels, where masks exist: AUROC {number(pixel['auroc'])}, "
            f"AUPRO {number(pixel['aupro'])} (up to a false-positive rate of "
            "0.3).</p>"
        )
    if results.get("control"):
        control = results["control"]
        parts.append(
            f"<p>Control images (qualified, kept apart): "
            f"{percent(control['overkill_rate'])} of "
            f"{control['num_images']} are called defective.</p>"
        )
    if results["unreadable"]:
        rows = [(row["name"], row["status"]) for row in results["unreadable"]]
        parts.append("<h2>Files left out</h2>")
        parts.append(table_html(("file", "reason"), rows))
    return parts


def page_html(title: str, parts: Sequence[str]) -> str:
    """A page that needs no other file, of parts that are HTML already."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>ganad_tf: {html.escape(title)}</title>"
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )


def overlay_png(miss: misses.Miss) -> bytes:
    """A small picture of a missed image: input, map, and input with contour.

    Args:
        miss: `misses.Miss`.

    Returns:
        png: Encoded picture of up to `OVERLAY_SIZE` pixels' height.
    """
    step = -(-max(miss.image.shape[:2]) // OVERLAY_SIZE)
    image = displayable(miss.image)[::step, ::step]
    anomaly_map = miss.anomaly_map[::step, ::step]
    colours = colormaps["inferno"](anomaly_map / MAP_LIMIT)[..., :3]
    inside = anomaly_map > miss.map_threshold
    marked = image.copy()
    marked[ndimage.binary_dilation(inside) & ~inside] = to_rgb(CONTOUR_COLOR)
    gap = np.ones([len(image), 2, 3])
    pixels = np.hstack([image, gap, colours, gap, marked])
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(255 * pixels + 0.5)).save(buffer, "PNG")
    return buffer.getvalue()


def _miss_row(miss: misses.Miss, alpha: float) -> str:
    picture = ""
    if miss.image is not None:
        data = base64.b64encode(overlay_png(miss)).decode()
        picture = (
            f'<img class="overlay" alt="{html.escape(miss.name)}" '
            f'src="data:image/png;base64,{data}">'
        )
    words = (
        f"<b>{html.escape(miss.name)}</b> ({html.escape(miss.defect_type)}): "
        f"score {miss.score:.2f}, p = {miss.p_value:.3f}. "
        f"{html.escape(misses.why(miss, alpha))}"
    )
    return f'<tr><td>{picture}</td><td class="words">{words}</td></tr>'


def _misses_section(
    missed: Sequence[misses.Miss], threshold: float, alpha: float
) -> list[str]:
    if not missed:
        return []
    reasons = [misses.reason(miss, alpha) for miss in missed]
    counts = "; ".join(
        f"{reasons.count(key)} {words}"
        for key, words in misses.REASONS.items()
        if key in reasons
    )
    return [
        f"<h2>Every missed image ({len(missed)}), and why</h2>",
        f"<p>These are defective by their label, but scored below the "
        f"threshold of {threshold:.4g}, the lowest score first: {counts}. "
        "Each picture shows the input, the anomaly map, and the input with a "
        "contour where the map passes its threshold; colours are those of the "
        "scales below. Where neither eye nor map finds anything, the defect "
        "may be too fine for the size at which images are judged, or the label "
        "be wrong.</p>",
        f"<table>{''.join(_miss_row(miss, alpha) for miss in missed)}</table>",
    ]


def _types_table(
    results: dict[str, Any], missed: Sequence[misses.Miss]
) -> list[str]:
    counts = results["num_by_type"]
    if not counts:
        return []
    of_type = [miss.defect_type for miss in missed]
    rows = [
        (
            name,
            str(count),
            str(of_type.count(name)),
            percent(of_type.count(name) / count),
            number(results["auroc_by_type"].get(name)),
        )
        for name, count in counts.items()
    ]
    header = ("defect type", "test images", "missed", "escape", "AUROC")
    return ["<h2>Defect types</h2>", table_html(header, rows)]


_WORDS = (
    ("qualified, defective", "a good part, and one that is not"),
    (
        "anomaly score",
        "how unlike the qualified images an image is; higher is more anomalous",
    ),
    (
        "p-value",
        "the share of held-out qualified images that score as high or higher; "
        "called defective at alpha or below",
    ),
    ("overkill", "qualified images that are called defective"),
    ("escape", "defective images that are called qualified: a miss"),
    (
        "AUROC",
        "how often a defective image scores higher than a qualified one; .5 is "
        "guessing, 1 is perfect",
    ),
    (
        "anomaly map",
        "where an image is unlike the qualified ones; 1 is what only a "
        "hundredth of their pixels exceed; a contour surrounds what a "
        "qualified image reaches anywhere with a probability of alpha",
    ),
)


def write_report(
    path: str,
    results: dict[str, Any],
    *,
    missed: Sequence[misses.Miss],
    labels: np.ndarray,
    scores: dict[str, np.ndarray],
    threshold: float,
    panels: dict[str, Sequence[Panel]],
) -> None:
    """Writes the report as one HTML file that needs no other.

    Args:
        path: Where to.
        results: The content of `results.json`.
        missed: `misses.Miss` of each defective image called qualified.
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
        parts.append(image_html(roc_png(labels, scores), "ROC curves"))
    parts += [
        image_html(histogram_png(labels, ours, threshold), "Anomaly scores"),
        *_types_table(results, missed),
        *_misses_section(missed, threshold, results["alpha"]),
        "<h2>Fréchet distance to the qualified reference, by set</h2>",
        table_html(("set", "images", "distance"), _set_rows(results)),
        '<p class="note">Distances of small sets are biased upwards: compare '
        "sets of like size.</p>",
    ]
    for heading, chosen in panels.items():
        parts.append(f"<h2>{html.escape(heading)}</h2>")
        parts.append(image_html(panels_png(chosen), heading))
    parts += ["<h2>Words</h2>", table_html(("word", "means"), _WORDS)]
    artifacts.write_text(path, page_html(results["data"], parts))
