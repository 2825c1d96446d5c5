import numpy as np

from ganad_tf.evaluation import evidence
from ganad_tf.evaluation.map_pictures import Panel
from ganad_tf.score_parts import FRECHET
from ganad_tf.score_parts import RESIDUAL


def test_panels_show_the_images_they_name(assessor, assessed):
    panels = [
        p
        for row in evidence.example_panels(assessor, assessed).values()
        for p in row
    ]
    assert all(isinstance(panel, Panel) for panel in panels)
    first = next(p for p in panels if p.caption.startswith("test/scratch"))
    name = first.caption.split(" ")[0]
    row = [file.name for file in assessed.files].index(name)
    score = assessed.detection.anomaly_scores[row]
    assert f"score {score:.2f}" in first.caption
    assert "DEFECTIVE" in first.caption
    assert first.image[20:27, 4:11].mean() < -0.8


def test_missed_images_come_with_their_pictures(
    assessor, assessed, monkeypatch
):
    assert not evidence.list_misses(assessor, assessed)
    calibrator = assessor.detector.calibrator_
    monkeypatch.setattr(calibrator, "threshold_", np.inf)
    monkeypatch.setattr(evidence, "MAX_PICTURED", 3)
    missed = evidence.list_misses(assessor, assessed)
    assert len(missed) == 8
    assert [miss.score for miss in missed] == sorted(m.score for m in missed)
    assert all(miss.num_regions for miss in missed)
    assert set(missed[0].shares) == {FRECHET.name, RESIDUAL.name}
    assert missed[0].image[20:27, 4:11].mean() < -0.8
    assert [miss.image is None for miss in missed] == [False] * 3 + [True] * 5


def test_pictures_are_those_of_a_detection_of_the_image_alone(
    assessor, assessed
):
    panels = evidence.example_panels(assessor, assessed)
    panel = panels["Closest to the threshold"][0]
    names = [file.name for file in assessed.files]
    file = assessed.files[names.index(panel.caption.split(" ")[0])]
    alone = assessor.detect([file], pictures=True)
    np.testing.assert_allclose(
        panel.reconstruction, alone.reconstructions[0], atol=1e-4
    )
    np.testing.assert_allclose(
        panel.anomaly_map, alone.anomaly_maps[0], rtol=1e-3, atol=1e-4
    )
    np.testing.assert_array_equal(panel.image, assessor.load([file])[0])
