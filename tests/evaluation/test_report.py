import re

import numpy as np
from conftest import make_parts

from ganad_tf.evaluation import metrics
from ganad_tf.evaluation import misses
from ganad_tf.evaluation import report
from ganad_tf.evaluation.gallery import Entry
from ganad_tf.evaluation.map_pictures import Panel
from ganad_tf.score_parts import SCORE_PARTS

LABELS = np.repeat([0, 1], [20, 10])
SCORES = np.concatenate([np.linspace(-1, 2, 20), np.linspace(0, 9, 10)])
OURS = [part.name for part in SCORE_PARTS]
PART = make_parts(1, seed=0)[0]
PANEL = Panel("x<y>.png", PART, PART, np.ones([32, 32]))

ENTRY = Entry("test/dent/x<y>.png", "dent", "qualified", 0.5, 0.4, "Why.")


def miss(name, **changes):
    values = {
        "defect_type": "dent",
        "score": 0.5,
        "p_value": 0.4,
        "shares": {"frechet_score": 0.25, "reconstruction_error": 0.5},
        "num_regions": 0,
    }
    return misses.Miss(name, **{**values, **changes})


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
        "overkill_rate_expected95": [0.0, 0.15],
        "images_per_second": 10.0,
        "auroc_by_part": {"frechet_scores": 0.75, "restorer_verdict": 0.5},
        "frechet_by_set": {"generated": 1.0, "dent": 9.0},
        "frechet_num_images": {"generated": 256, "dent": 10},
        "unreadable": [{"name": "x<y>.png", "status": "empty file"}],
        "unusable_masks": [{"name": "y.png", "status": "mask y is cut"}],
        "pixel": {"auroc": 0.9, "aupro": 0.8},
        "control": {"num_images": 7, "overkill_rate": 0.0},
        "num_groups": {"train": 3, "test_qualified": 2},
        "group_by": "(tile<x>)",
        "near_copies": [
            {
                "names": ["a<1>.png", "b.png"],
                "roles": ["train", "calibration"],
                "correlation": 0.971,
            }
        ],
        "baseline_num_train": {"gmm": 5, "laplacian_energy": 2},
        **metrics.compare_methods(LABELS, types, scores, decisions, seed=0),
    }


def test_the_page_needs_no_other_file_and_tells_everything(tmp_path):
    scores = dict.fromkeys(OURS, SCORES) | {"gmm": -SCORES}
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
            panels={"Worst": [PANEL]},
            entries=[ENTRY],
        )
        pages.append(path.read_text())
    assert pages[0] == pages[1]
    page = path.read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "&lt;parts&gt; &amp; more" in page
    assert "x<1" not in page and "x<y" not in page
    assert "<td>10</td><td>2</td><td>20.0 %</td>" in page  # dents
    for text in (
        "x&lt;1&gt;.png",
        "part21.png",
        "4 of 20",
        "20.0 %, above the 0.0 to 15.0 % that 4 calibration images",
        "2 of 10",
        "gmm",
        "AUPRO",
        "empty file",
        "mask y is cut",
        "probability that",
        "a&lt;1&gt;.png",
        "train, calibration",
        "3 train, 2 test qualified",
        "laplacian_energy to 2 of 5",
        "dent",
        "<td>latent</td><td>the whole image</td><td>0.750</td>",
        "<td>restorer_verdict</td><td>likeness to synthetic defects, "
        "as the restorer sees it</td>",
    ):
        assert text in page
    assert page.count("<img") == 5  # one of them of the enlarged picture
    assert page.count('<tr class="ours">') == len(OURS)
    assert len(page) < 1_000_000
