"""Evidence: pictures of example images and of every miss, for the report."""

from __future__ import annotations

from ganad_tf.evaluation import examples
from ganad_tf.evaluation import gallery
from ganad_tf.evaluation import misses
from ganad_tf.evaluation.assessment import Assessment
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.evaluation.map_pictures import Panel
from ganad_tf.evaluation.map_pictures import caption_of
from ganad_tf.evaluation.map_pictures import strip_jpeg
from ganad_tf.score_parts import SCORE_PARTS

# Missed images, and images of the gallery, that the report has pictures of.
MAX_PICTURED = 100
MAX_GALLERY = 300


def example_panels(
    assessor: Assessor, assessment: Assessment
) -> dict[str, list[Panel]]:
    """Pictures of the best, the worst and the borderline cases.

    Args:
        assessor: `Assessor` of the fitted detector.
        assessment: What its `assess` returned.

    Returns:
        panels: `Panel`s under each heading that has images.
    """
    chosen = examples.select_examples(
        assessment.labels,
        assessment.detection.anomaly_scores,
        threshold=assessor.detector.calibrator_.threshold_,
    )
    return {
        heading: [_panel(assessor, assessment, row) for row in rows]
        for heading, rows in chosen.items()
    }


def _panel(assessor: Assessor, assessment: Assessment, row: int) -> Panel:
    return Panel(
        caption_of(assessment.files[row], assessment.detection, row),
        *assessment.pictures[row],
        assessor.detector.map_calibrator_.threshold_,
    )


def gallery_entries(
    assessor: Assessor, assessment: Assessment
) -> list[gallery.Entry]:
    """All test images for the gallery of the report.

    Args:
        assessor: `Assessor` of the fitted detector.
        assessment: What its `assess` returned.

    Returns:
        entries: The highest score first; at most `MAX_GALLERY` with pictures.
    """
    scores = assessment.detection.anomaly_scores
    pictured = gallery.pictured_rows(
        assessment.labels,
        assessment.detection.is_defective,
        scores,
        MAX_GALLERY,
    )
    return [
        _entry(assessor, assessment, int(row), pictured=int(row) in pictured)
        for row in (-scores).argsort(kind="stable")
    ]


def _entry(
    assessor: Assessor, assessment: Assessment, row: int, *, pictured: bool
) -> gallery.Entry:
    file, detection = assessment.files[row], assessment.detection
    parts = zip(
        assessor.detector.parts, detection.part_scores[row], strict=True
    )
    jpeg = None
    if pictured:
        panel = _panel(assessor, assessment, row)
        jpeg = strip_jpeg(panel, size=gallery.SIZE)
    return gallery.Entry(
        file.name,
        file.defect_type,
        "defective" if detection.is_defective[row] else "qualified",
        float(detection.anomaly_scores[row]),
        float(detection.p_values[row]),
        gallery.reasons(dict(parts)),
        jpeg,
    )


def list_misses(
    assessor: Assessor, assessment: Assessment
) -> list[misses.Miss]:
    """The defective images that are called qualified, and why.

    Args:
        assessor: `Assessor` of the fitted detector.
        assessment: What its `assess` returned.

    Returns:
        missed: `misses.Miss`es, the lowest score first; the first
            `MAX_PICTURED` of them with pictures.
    """
    rows = misses.missed_rows(
        assessment.labels,
        assessment.detection.anomaly_scores,
        assessor.detector.calibrator_.threshold_,
    )
    return [
        _miss(assessor, assessment, row, pictured=rank < MAX_PICTURED)
        for rank, row in enumerate(rows)
    ]


def _miss(
    assessor: Assessor, assessment: Assessment, row: int, *, pictured: bool
) -> misses.Miss:
    file, detection = assessment.files[row], assessment.detection
    parts = {
        part.name: assessment.scores[part.name]
        for part in SCORE_PARTS
        if part.field in assessor.detector.score_parts
    }
    miss = misses.Miss(
        file.name,
        file.defect_type,
        float(detection.anomaly_scores[row]),
        float(detection.p_values[row]),
        misses.larger_shares(row, assessment.labels, parts),
        len(assessment.regions[row]),
    )
    if not pictured:
        return miss
    picture = assessment.pictures[row]
    return miss._replace(
        image=picture.image,
        anomaly_map=picture.anomaly_map,
        map_threshold=assessor.detector.map_calibrator_.threshold_,
    )
