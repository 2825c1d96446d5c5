import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from ganad_tf.evaluation import pixel_scores
from ganad_tf.evaluation.pixel_scores import PixelScores


def results_of(masks, maps):
    scores = PixelScores()
    for mask, anomaly_map in zip(masks, maps, strict=True):
        scores.add(mask, anomaly_map)
    return scores.results()


def naive_aupro(masks, maps, limit):
    regions = []
    for mask in masks:
        labelled, count = ndimage.label(mask, np.ones([3, 3]))
        regions.append([labelled == k + 1 for k in range(count)])
    rates, overlaps = [0.0], [None]
    for threshold in np.unique(maps[~masks])[::-1]:
        rate = (maps[~masks] >= threshold).mean()
        if rate > limit + 1e-9:
            break
        shares = [
            (values[region] >= threshold).mean()
            for values, own in zip(maps, regions, strict=True)
            for region in own
        ]
        rates.append(rate)
        overlaps.append(np.mean(shares))
    overlaps[0] = overlaps[1]
    return np.trapezoid(overlaps, rates) / rates[-1]


@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0])
def test_aupro_equals_a_naive_loop(strength):
    generator = np.random.default_rng(0)
    masks = np.zeros([4, 16, 16], bool)
    masks[0, 2:6, 2:6] = masks[0, 10:12, 10:15] = masks[1, 4:9, 3:4] = True
    maps = generator.normal(size=masks.shape) + strength * masks
    measured = results_of(masks, maps)["aupro"]
    np.testing.assert_allclose(
        measured, naive_aupro(masks, maps, 0.3), atol=1e-6
    )


def test_a_perfect_map_has_areas_of_one():
    masks = np.zeros([2, 16, 16], bool)
    masks[0, 2:6, 2:6] = True
    maps = masks + 0.1 * np.random.default_rng(0).random(masks.shape)
    assert results_of(masks, maps) == {"auroc": 1.0, "aupro": 1.0}


@pytest.mark.parametrize("value", [False, True])
def test_one_kind_of_pixels_has_no_areas(value):
    masks = np.full([1, 4, 4], value)
    measured = results_of(masks, np.zeros([1, 4, 4]))
    assert measured == {"auroc": None, "aupro": None}


def test_of_very_many_clean_pixels_a_share_is_enough(monkeypatch):
    generator = np.random.default_rng(0)
    masks = generator.random([40, 64, 64]) < 0.01
    maps = generator.normal(size=masks.shape) + 1.5 * masks
    expected = results_of(masks, maps)
    monkeypatch.setattr(pixel_scores, "MAX_CLEAN", 20000)
    monkeypatch.setattr(pixel_scores, "_CHUNK", 4000)
    found = results_of(masks, maps)
    assert found != expected
    assert found == pytest.approx(expected, abs=0.01)
    assert results_of(masks, maps) == found


def test_the_auroc_of_pixels_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    masks = generator.random([3, 12, 12]) < 0.2
    maps = generator.integers(0, 5, masks.shape) + masks  # with many ties
    expected = roc_auc_score(masks.ravel(), maps.ravel())
    assert results_of(masks, maps)["auroc"] == pytest.approx(
        expected, abs=1e-12
    )
