import functools

import numpy as np
import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.data import dataset
from ganad_tf.detector import out_of_fold
from ganad_tf.detector.model_folder import image_batches


@pytest.fixture(scope="module")
def scored(parts_detector, tmp_path_factory):
    """60 parts, of which the first 6 are scratched and nobody says so."""
    folder = tmp_path_factory.mktemp("dirty")
    parts = make_parts(60, seed=31)
    parts[:6] = scratch(parts[:6])
    write_images(folder, parts)
    files = dataset.scan_images(dataset.list_images(str(folder)))
    return out_of_fold.score_out_of_fold(
        parts_detector,
        files,
        load=functools.partial(image_batches, parts_detector),
        seed=0,
    )


def test_defects_among_training_images_come_first(scored):
    first = np.argsort(-scored.scores)[:6]
    assert set(first) == set(range(6))
    assert scored.is_outlier[:6].all() and scored.is_outlier[6:].mean() < 0.1


def test_no_image_has_a_share_in_its_own_statistics(scored):
    sizes = np.bincount(scored.folds)
    assert len(sizes) == out_of_fold.NUM_FOLDS and sizes.max() <= 20
    for fold, fitted in enumerate(scored.detectors):
        assert fitted.latent_gaussian_.num_latents_ == 60 - sizes[fold]


def test_an_image_that_is_usual_in_all_parts_has_a_finite_score():
    log_parts = np.random.default_rng(2).normal(size=(40, 3))
    log_parts[0] = -200.0
    with np.errstate(all="raise"):
        scores = out_of_fold.robust_scores(log_parts, np.full(3, 1 / 3))
    assert np.isfinite(scores).all() and scores.argmin() == 0
    assert np.isfinite(out_of_fold.upper_p_values(scores)).all()


def test_scores_of_clean_images_are_seldom_outliers():
    generator = np.random.default_rng(0)
    shares = [
        np.sum(200 * out_of_fold.upper_p_values(generator.normal(size=200)) < 1)
        for _ in range(100)
    ]
    assert np.mean(shares) < 1.0


def test_a_tenth_of_defects_hardly_moves_the_scale():
    generator = np.random.default_rng(1)
    scores = generator.normal(size=200)
    scores[:20] += 10
    p_values = out_of_fold.upper_p_values(scores)
    assert (200 * p_values[:20] < 1).all()
    assert (200 * p_values[20:] < 1).mean() < 0.02
