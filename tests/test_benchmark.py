import json
import pathlib
import sys
import types

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import scratch
from conftest import tiny_config
from conftest import write_images
from sklearn import metrics
from tool_runner import done

from ganad_tf.training import building
from ganad_tf.training import loop

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))

import benchmark

import benchmark_cli
import benchmark_flops
import benchmark_peers


@pytest.fixture(scope="module")
def gan():
    made = building.build_gan(tiny_config())
    loop.fit_linear_head(made, make_parts(20, seed=0), tiny_config())
    return made


def tap_count(size_in: int) -> int:
    """Pairs of pixels that a 4x4 kernel of stride 2 joins, along one axis."""
    wide = np.zeros([1, 2 * size_in, 1, 1], np.float32)
    kernel = np.ones([4, 1, 1, 1], np.float32)
    joined = tf.nn.conv2d(wide + 1.0, kernel, [1, 2, 1, 1], "SAME")
    return int(tf.reduce_sum(joined)) + 2  # and one tap in each border


def test_operations_are_counted_tap_by_tap(gan):
    # 6 latents to 4x4x16, to 8x8x8, to 16x16x4, to 32x32x1; width 4.
    pairs = [6 * 16 * 16]
    pairs += [tap_count(n) ** 2 * c for n, c in ((4, 128), (8, 32), (16, 4))]
    assert benchmark_flops.forward(gan.generator) == 2 * sum(pairs)
    head = 2 * 6 * 32 * 32
    step = 2 * (2 * sum(pairs) + head)
    assert benchmark_flops.inversion_step(gan) == step
    assert benchmark_flops.training_step(gan) > 3 * step


def test_the_exponent_of_a_power_law_is_found():
    sizes = [10, 100, 1000]
    costs = [3.0 * size**1.5 for size in sizes]
    found = benchmark_cli.growth_exponent(sizes, costs)
    assert found == pytest.approx(1.5)


def test_the_peers_search_is_that_of_each_image_and_gets_nearer(gan):
    images = make_parts(3, seed=1)
    starts = gan.sample_latents(3, seed=tf.constant([0, 0]))
    search = benchmark_peers.AnoGanSearch(gan, 15)
    together = search.scores(images, starts).numpy()
    for row in range(3):
        one = slice(row, row + 1)
        alone = search.scores(images[one], starts[one])
        np.testing.assert_allclose(alone, together[one], rtol=1e-4)
    at_start = benchmark_peers.AnoGanSearch(gan, 0).scores(images, starts)
    assert (together < at_start.numpy()).all()


def test_the_peers_adam_is_that_of_keras(gan):
    images = tf.constant(make_parts(1, seed=1))
    latents = tf.Variable(gan.sample_latents(1, seed=tf.constant([0, 0])))
    search = benchmark_peers.AnoGanSearch(gan, 4)
    found = search.scores(images, latents)
    adam = tf.keras.optimizers.Adam(benchmark_peers.RATE, epsilon=1e-8)
    for _ in range(4):
        with tf.GradientTape() as tape:
            losses = search.losses(images, latents)
        adam.apply_gradients([(tape.gradient(losses, latents), latents)])
    np.testing.assert_allclose(search.losses(images, latents), found, rtol=1e-4)


def test_peer_and_detector_are_compared_on_the_same_images(
    parts_detector, tmp_path, monkeypatch
):
    monkeypatch.setattr(benchmark_cli, "num_runs", lambda: 1)
    good = make_parts(6, seed=5)
    write_images(tmp_path, np.concatenate([good, scratch(good)]))
    paths = sorted(map(str, tmp_path.iterdir()))
    files = [
        types.SimpleNamespace(path=path, label=int(row >= 6))
        for row, path in enumerate(paths)
    ]
    search = benchmark_peers.AnoGanSearch(parts_detector.gan, 3)
    figures = benchmark_peers._compare(search, {"ours": parts_detector}, files)
    alone, ours, batched = figures.values()
    assert list(figures)[1] == "ours, images/s"
    assert alone["scores apart from the batched by"] < 1e-3
    assert alone["AUROC"] == batched["AUROC"]
    scores = parts_detector.detect_batches(
        [np.concatenate([good, scratch(good)])]
    ).anomaly_scores
    assert ours["AUROC"] == pytest.approx(
        metrics.roc_auc_score([0] * 6 + [1] * 6, scores)
    )
    ratio = ours["times the one-at-a-time search"]
    assert ratio == pytest.approx(ours["median"] / alone["median"])


def test_peers_images_are_drawn_evenly_of_both_kinds():
    files = [types.SimpleNamespace(row=n, label=n % 2) for n in range(20)]
    drawn = benchmark_peers._drawn(files, 6)
    assert [file.label for file in drawn] == [0, 0, 0, 1, 1, 1]
    assert [file.row for file in drawn] == [0, 8, 18, 1, 9, 19]


def test_the_table_shows_every_number():
    figure = {"median": 1234.5, "least": 1.0, "largest": 2.0, "AUROC": 0.5}
    last = benchmark.table({"speed": figure}).splitlines()[-1]
    assert last == "| speed | 1234 | 1 | 2 |  | AUROC 0.5 |"


def test_clients_at_once_lose_nothing(chain):
    answer = done(
        "benchmark_serving",
        saved_model=chain[2],
        num_requests=60,
        num_clients=4,
        seconds=2,
        num_swaps=1,
    )
    figures = json.loads(answer.stdout)
    assert len(figures) == 2
    for found in figures.values():
        assert found["right score"] == 54
        assert found["refused with a reason"] == 6
        assert found["wrong score"] == found["lost"] == 0
        assert found["requests/s"] < 60 / 1.9
        assert len(found["server memory, MB"]) == 10
