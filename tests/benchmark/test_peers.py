import types

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from sklearn import metrics

from ganad_tf.benchmark import peers
from ganad_tf.benchmark.anogan import AnoGanSearch
from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.benchmark.trained_model import TrainedModel


def test_search_and_detector_are_compared_on_the_same_images(parts_detector):
    good = make_parts(6, seed=5)
    images = np.concatenate([good, scratch(good)])
    figures = peers.compare(
        AnoGanSearch(parts_detector.gan, 3),
        {"ours": parts_detector},
        tf.data.Dataset.from_tensor_slices(images).batch(8),
        labels=np.repeat([0, 1], 6),
        num_runs=1,
    )
    single, ours, batched = figures.values()
    assert list(figures)[1] == "ours, images/s"
    assert single["relative deviation from batched scores"] < 1e-3
    assert single["AUROC"] == batched["AUROC"]
    scores = parts_detector.detect_batches([images]).anomaly_scores
    assert ours["AUROC"] == pytest.approx(
        metrics.roc_auc_score([0] * 6 + [1] * 6, scores)
    )
    ratio = ours["times the one-at-a-time search"]
    assert ratio == pytest.approx(ours["median"] / single["median"])


class AtNativeResolution:
    """A detector that takes images of twice the GAN's size, as with a field."""

    def __init__(self, detector):
        self.detector = detector

    def to_network(self, images):
        return images[:, ::2, ::2]

    def detect_batches(self, batches):
        return self.detector.detect_batches(map(self.to_network, batches))


def test_the_search_gets_images_at_the_size_of_the_gan(parts_detector):
    good = make_parts(2, seed=5)
    images = np.concatenate([good, scratch(good)])
    figures = peers.compare(
        AnoGanSearch(parts_detector.gan, 2),
        {"ours": AtNativeResolution(parts_detector)},
        tf.data.Dataset.from_tensors(images.repeat(2, 1).repeat(2, 2)),
        labels=np.repeat([0, 1], 2),
        num_runs=1,
    )
    scores = parts_detector.detect_batches([images]).anomaly_scores
    assert figures["ours, images/s"]["AUROC"] == pytest.approx(
        metrics.roc_auc_score([0, 0, 1, 1], scores)
    )


def test_images_are_drawn_evenly_from_both_labels():
    files = [types.SimpleNamespace(row=n, label=n % 2) for n in range(20)]
    drawn = peers.draw_evenly(files, 6)
    assert [file.label for file in drawn] == [0, 0, 0, 1, 1, 1]
    assert [file.row for file in drawn] == [0, 8, 18, 1, 9, 19]


def with_steps(count):
    inverter = types.SimpleNamespace(num_steps=count)
    return types.SimpleNamespace(inverter=inverter)


def test_both_settings_of_the_detector_are_compared(parts_model, monkeypatch):
    given = {}

    def compare(search, detectors, batches, *, labels, num_runs):
        given.update(detectors=detectors, labels=list(labels))
        return {}

    monkeypatch.setattr(peers, "compare", compare)
    monkeypatch.setattr(
        TrainedModel, "refit", lambda _, count: with_steps(count)
    )
    peers.measure(parts_model, num_images=4, num_steps=2, num_runs=1)
    assert list(given["detectors"]) == [
        "ours, 2 steps, PNG to verdict",
        "ours, 10 steps, PNG to verdict",
    ]
    assert given["labels"] == [0, 0, 1, 1]
