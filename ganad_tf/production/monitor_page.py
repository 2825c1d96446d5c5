"""The page of a monitor: one HTML file that needs no other."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ganad_tf.evaluation import formatting
from ganad_tf.evaluation import page
from ganad_tf.production import appearance
from ganad_tf.production import line_monitor
from ganad_tf.production import monitor_figure
from ganad_tf.production.appearance import LOOKS
from ganad_tf.production.drift_figures import Window
from ganad_tf.production.line_monitor import Monitored
from ganad_tf.production.score_stream import ScoredImage

# Images that are shown, of the ones between onset and alarm.
NUM_SHOWN = 12
_THUMBNAIL = 160
_HEADER = ("images", "share", "band", "KS", *LOOKS)
WORDS = {
    line_monitor.UNCHANGED: (
        "Its images are like the calibration images. There is nothing to do."
    ),
    line_monitor.MORE_DEFECTS: (
        "There are more unusual images than before, while all others are as "
        "they were: more defects, or good parts of a new kind. Look at the "
        "images that began it; neither a new calibration nor a higher "
        "threshold is an answer to defects."
    ),
    line_monitor.MOVED: (
        "Good images no longer look as the calibration images did: light, "
        "camera, position or material has changed, and p-values do not hold. "
        "Undo the change, or recalibrate with new good images."
    ),
}


def render(
    monitored: Monitored,
    windows: Sequence[Window],
    images: Sequence[ScoredImage],
    *,
    num_skipped: int,
    alpha: float,
    reference: str,
) -> str:
    """Renders the page.

    Args:
        monitored: Of the stream.
        windows: Of the stream.
        images: The stream.
        num_skipped: Images without scores.
        alpha: Of the share of low p-values.
        reference: What the reference is, in words.

    Returns:
        html: The page.
    """
    return page.render(
        "monitor.html",
        room="ganad_tf.production",
        title="monitor",
        verdict=monitored.verdict,
        words=words(monitored),
        num_images=len(images),
        num_skipped=num_skipped,
        num_calibration=monitored.num_calibration,
        level=line_monitor.LEVEL,
        series_png=monitor_figure.series_png(monitored, windows, alpha=alpha),
        onset=None if monitored.onset is None else monitored.onset + 1,
        began=_began(monitored, images),
        header=_HEADER,
        rows=[_row(window) for window in windows],
        reference=reference,
    )


def words(monitored: Monitored) -> str:
    """The verdict in sentences, with how sure it is that all have moved."""
    said = WORDS[monitored.verdict]
    if monitored.verdict != line_monitor.MORE_DEFECTS:
        return said
    since = monitored.is_usual[monitored.onset :]
    return (
        f"{said} Since it began, {since.sum()} of {len(since)} images are more "
        "usual than the median calibration image; if they are far fewer than "
        "half, everything may have moved, which more images will show."
    )


def _began(monitored: Monitored, images: Sequence[ScoredImage]) -> list[dict]:
    if not monitored.alarms:
        return []
    last = min(alarm.step for alarm in monitored.alarms)
    chosen = images[min(monitored.onset, last) : last + 1]
    chosen = sorted(chosen, key=lambda image: -image.anomaly_score)
    return [
        {
            "path": formatting.printable(image.path),
            "p_value": image.p_value,
            "png": _thumbnail(image),
        }
        for image in chosen[:NUM_SHOWN]
    ]


def _thumbnail(image: ScoredImage) -> bytes | None:
    picture = appearance.open_image(image)
    if picture is None:
        return None
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _row(window: Window) -> tuple[str, ...]:
    return (
        f"{window.start + 1} to {window.stop}",
        formatting.percent(window.share_below),
        f"{formatting.percent_interval(list(window.band))} %",
        f"{window.ks_p_value:.2g}",
        *(formatting.number(window.shifts[name], 1) for name in LOOKS),
    )
