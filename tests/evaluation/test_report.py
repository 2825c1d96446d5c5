import io
import re

import numpy as np
from conftest import make_parts
from PIL import Image

from ganad_tf.evaluation import metrics as evaluation
from ganad_tf.evaluation import misses
from ganad_tf.evaluation import report

LABELS = np.repeat([0, 1], [20, 10])
SCORES = np.concatenate([np.linspace(-1, 2, 20), np.linspace(0, 9, 10)])


def test_panels_are_the_cases_their_heading_names():
    chosen = report.select_panels(LABELS, SCORES, threshold=1.5, num_each=3)
    missed, stopped, close, found, passed = chosen.values()
    assert missed == [20, 21]  # defective below 1.5, lowest first
    assert stopped == [19, 18, 17]
    assert found == [29, 28, 27]
    assert all(LABELS[row] == 0 and SCORES[row] < 1.5 for row in passed)
    distances = np.abs(SCORES - 1.5)
    assert sorted(distances[close]) == sorted(distances)[:3]


def test_headings_without_images_are_left_out():
    chosen = report.select_panels(
        np.zeros(3, int), np.arange(3.0), threshold=9.0
    )
    assert len(chosen) == 2


def panel(caption="a"):
    image = make_parts(1, seed=0)[0]
    return report.Panel(caption, image, image, np.ones([32, 32]))


def test_pictures_have_a_row_each_panel():
    heights = [
        Image.open(io.BytesIO(report.panels_png([panel()] * count))).height
        for count in (1, 3)
    ]
    assert heights[1] == 3 * heights[0]


def pixels_of(*panels):
    return np.asarray(Image.open(io.BytesIO(report.panels_png(panels))))


def test_a_contour_is_drawn_where_the_map_passes_its_threshold():
    flat = panel(caption="a")
    peak = np.zeros([32, 32])
    peak[10:20, 10:20] = 9.0
    contour = np.array([0x00, 0xE5, 0xFF])
    counts = [
        (np.abs(pixels_of(shown)[..., :3] - contour).sum(axis=2) == 0).sum()
        for shown in (
            flat,
            flat._replace(map_threshold=5.0),  # the mark on the scale alone
            flat._replace(anomaly_map=peak, map_threshold=5.0),
        )
    ]
    assert counts[0] == 0 < counts[1] < counts[2]


def miss(name, **changes):
    values = {
        "defect_type": "dent",
        "score": 0.5,
        "p_value": 0.4,
        "shares": {"frechet_score": 0.25, "reconstruction_error": 0.5},
        "num_regions": 0,
    }
    return misses.Miss(name, **{**values, **changes})


def test_the_overlay_of_a_missed_image_has_a_contour_where_its_map_is_high():
    image, high = np.zeros([300, 300, 1]), np.zeros([300, 300])
    flat = miss("a", image=image, anomaly_map=high, map_threshold=5.0)
    high = high.copy()
    high[90:150, 90:150] = 9.0
    peak = flat._replace(anomaly_map=high)
    counts = []
    for shown in (flat, peak):
        picture = Image.open(io.BytesIO(report.overlay_png(shown)))
        assert picture.height <= 128 and picture.width > 2.5 * picture.height
        pixels = np.asarray(picture)
        counts.append((pixels == (0, 229, 255)).all(axis=-1).sum())
    assert counts[0] == 0 < counts[1] < 200


def results_of(scores):
    types = np.where(LABELS, "dent", "good")
    decisions = {name: values > 1.5 for name, values in scores.items()}
    return {
        "data": "<parts> & more",
        "method": "joint",
        "num_train": 5,
        "num_calibration": 4,
        "num_test_qualified": 20,
        "num_test_defective": 10,
        "seed": 0,
        "alpha": 0.05,
        "images_per_second": 10.0,
        "frechet_by_set": {"generated": 1.0, "dent": 9.0},
        "frechet_num_images": {"generated": 256, "dent": 10},
        "unreadable": [{"name": "x<y>.png", "status": "empty file"}],
        "pixel": {"auroc": 0.9, "aupro": 0.8},
        "control": {"num_images": 7, "overkill_rate": 0.0},
        **evaluation.compare_methods(LABELS, types, scores, decisions, seed=0),
    }


def test_the_page_needs_no_other_file_and_tells_everything(tmp_path):
    scores = dict.fromkeys(report.OURS, SCORES) | {"gmm": -SCORES}
    path = tmp_path / "report.html"
    pages = []
    for labels in (LABELS, LABELS.tolist()):
        report.write_report(
            str(path),
            results_of(scores),
            missed=[
                miss(
                    "x<1>.png",
                    image=np.zeros([8, 8, 1]),
                    anomaly_map=np.zeros([8, 8]),
                ),
                miss("part21.png"),
            ],
            labels=labels,
            scores=scores,
            threshold=1.5,
            panels={"Worst": [panel("x<y>.png")]},
        )
        pages.append(path.read_text())
    assert pages[0] == pages[1]
    page = path.read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "&lt;parts&gt; &amp; more" in page and "x<" not in page
    assert "<td>10</td><td>2</td><td>20.0 %</td>" in page  # dents
    for text in (
        "x&lt;1&gt;.png",
        "part21.png",
        "4 of 20",
        "2 of 10",
        "gmm",
        "AUPRO",
        "empty file",
        "dent",
    ):
        assert text in page
    assert page.count("<img") == 4
    assert len(page) < 1_000_000
