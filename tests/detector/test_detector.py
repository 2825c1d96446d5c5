import numpy as np
import pytest
import tensorflow as tf
from conftest import TILED
from conftest import fitted_detector
from conftest import make_parts
from conftest import make_textures
from conftest import scratch

from ganad_tf.detector import detector as detector_module
from ganad_tf.detector.calibration import conformal_p_values
from ganad_tf.detector.detector import TEXTURE_PARTS
from ganad_tf.detector.detector import TILE_PARTS
from ganad_tf.detector.detector import OneClassDetector


def arrays(detection):
    return [np.asarray(part) for part in detection]


@pytest.fixture(scope="module")
def images():
    parts = make_parts(8, seed=7)
    return tf.constant(np.concatenate([parts, scratch(parts)]))


def test_scratches_are_called_defective(parts_detector, images):
    detection = parts_detector.detect(images)
    scores = detection.anomaly_scores.numpy()
    assert scores[8:].min() > scores[:8].max()
    assert detection.is_defective.numpy()[8:].all()
    maps = detection.anomaly_maps.numpy()
    assert maps[8:, 20:27, 4:11].mean() > 3 * maps[:8, 20:27, 4:11].mean()


def test_shapes_and_types_are_as_promised(parts_detector, images):
    detection = parts_detector.detect(images)
    shapes = [tuple(part.shape) for part in detection]
    assert shapes == [(16,)] * 5 + [(16, 32, 32, 1), (16, 32, 32), (16, 6)]
    types = [part.dtype.name for part in detection]
    assert types == ["float32"] * 4 + ["bool"] + ["float32"] * 3


@pytest.mark.parametrize(
    "changes",
    [{}, {"method": "paper"}, {"aligned": False}, {"channels": 3}, TILED],
    ids=str,
)
def test_an_image_scores_the_same_alone_and_in_any_batch(changes):
    made = fitted_detector(**changes)
    channels = changes.get("channels", 1)
    batch = tf.constant(make_parts(6, seed=9, channels=channels))
    together = arrays(made.detect(batch))
    order = [4, 2, 0, 5, 1, 3]
    permuted = arrays(made.detect(tf.gather(batch, order)))
    alone = arrays(made.detect(batch[2:3]))
    for whole, other, single in zip(together, permuted, alone, strict=True):
        # Pixels near 0 are differences of like numbers: an absolute bound.
        bound = 1e-5 if whole.ndim == 1 else 1e-3
        np.testing.assert_allclose(other, whole[order], 1e-4, bound)
        np.testing.assert_allclose(single[0], whole[2], 1e-4, bound)


def test_tensorflow_gives_the_statistics_own_numbers(parts_detector, images):
    detection = parts_detector.detect(images)
    latents = parts_detector.reference_latents(images).numpy()
    np.testing.assert_allclose(
        detection.frechet_scores,
        parts_detector.latent_gaussian_.frechet_scores(latents),
        rtol=1e-4,
    )
    scores = detection.anomaly_scores.numpy()
    calibrator = parts_detector.calibrator_
    np.testing.assert_allclose(
        detection.p_values,
        conformal_p_values(calibrator.scores_, scores),
        rtol=1e-6,
    )
    np.testing.assert_array_equal(
        detection.is_defective, calibrator.is_defective(scores)
    )


def test_batches_are_judged_as_one(parts_detector, images):
    whole = arrays(parts_detector.detect(images))
    batches = [images[:5], images[5:10], images[10:]]
    parts = parts_detector.detect_batches(batches)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)
    kept = parts_detector.detect_batches(
        batches, keep=lambda d: d._replace(anomaly_maps=None)
    )
    assert kept.anomaly_maps is None and len(kept.latents) == 16


@pytest.mark.parametrize("method", ["joint", "paper"])
def test_a_saved_detector_comes_back(tmp_path, images, method):
    made = fitted_detector(method=method)
    path = str(tmp_path / "detector")
    made.save(path)
    loaded = OneClassDetector.load(path, made.gan)
    assert loaded.get_config() == made.get_config()
    for one, other in zip(
        arrays(made.detect(images)), arrays(loaded.detect(images)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_no_detector_is_an_error(tmp_path, parts_detector):
    with pytest.raises(FileNotFoundError, match="Run fit_detector.py first"):
        OneClassDetector.load(str(tmp_path), parts_detector.gan)


def test_the_papers_verdict_is_its_frechet_distance(images):
    detection = fitted_detector(method="paper").detect(images)
    order = np.argsort(detection.frechet_scores)
    assert (np.diff(detection.anomaly_scores.numpy()[order]) >= 0).all()


def test_too_few_calibration_images_are_an_error(parts_detector):
    made = detector_module.for_method(
        parts_detector.gan, method="joint", aligned=True, alpha=0.05
    )
    parts = make_parts(18, seed=0)
    with pytest.raises(ValueError, match="Too few calibration images"):
        made.fit([parts], [parts])


def test_an_unknown_method_is_an_error(parts_detector):
    with pytest.raises(ValueError, match="method='other'"):
        detector_module.for_method(
            parts_detector.gan, method="other", aligned=True, alpha=0.05
        )


def test_p_values_of_new_qualified_images_are_uniform(parts_detector):
    p_values = parts_detector.detect(make_parts(200, seed=11)).p_values.numpy()
    # Bands of both empirical distributions, of 24 and of 200 images.
    bound = 1.36 * np.sqrt(1 / 24 + 1 / 200)
    for alpha in np.linspace(0.1, 0.9, 9):
        assert abs(np.mean(p_values <= alpha) - alpha) < bound


@pytest.mark.parametrize("changes", [{}, {"aligned": False}], ids=str)
def test_a_hundredth_of_qualified_pixels_is_above_one(changes):
    made = fitted_detector(**changes)
    maps = made.detect(make_parts(100, seed=12)).anomaly_maps.numpy()
    assert np.quantile(maps, 0.99, axis=(1, 2)).mean() == pytest.approx(1, 0.1)


def test_a_second_fit_forgets_the_first(images):
    made = fitted_detector()
    before = made.detect_batches([images]).anomaly_scores
    noisy = make_parts(48, seed=3) + np.random.default_rng(0).normal(
        0.0, 0.1, [48, 32, 32, 1]
    ).astype(np.float32)
    after = made.fit([noisy[:24]], [noisy[24:]]).detect_batches([images])
    assert np.median(after.anomaly_scores) < np.median(before)
    np.testing.assert_allclose(
        after.anomaly_scores, made.detect(images).anomaly_scores, rtol=1e-4
    )


def test_tiles_show_where_a_texture_is_defective():
    made = fitted_detector(make_textures, **TILED | {"latent_dim": 64})
    textures = make_textures(4, seed=9)
    textures[0, 16:30, 16:30] *= 2.5
    detection = made.detect(tf.constant(np.clip(textures, -1.0, 1.0)))
    assert detection.latents.shape == [4, 3, 3, 64]
    assert detection.reconstructions.shape == [4, 32, 32, 1]
    assert detection.frechet_scores.numpy().argmax() == 0
    row, column = np.unravel_index(
        np.argmax(detection.anomaly_maps[0]), [32, 32]
    )
    assert 12 <= row < 32 and 12 <= column < 32


def test_residuals_of_tiles_count_where_latents_hold_every_pixel(tmp_path):
    made = fitted_detector(make_textures, **TILED | {"latent_dim": 250})
    kernel = made.gan.ema_encoder.layers[-1].kernel
    held_out = [make_textures(24, seed=2)]
    kernel.assign(0.0 * kernel)  # what is left are principal components
    made.fit([make_textures(48, seed=1)], held_out)
    assert made.score_parts == TEXTURE_PARTS
    made.save(str(tmp_path / "detector"))
    loaded = OneClassDetector.load(str(tmp_path / "detector"), made.gan)
    assert loaded.score_parts == TEXTURE_PARTS
    kernel.assign(kernel + 0.1)  # reconstructions are now far off
    made.fit([make_textures(48, seed=1)], held_out)
    assert made.score_parts == TILE_PARTS


def test_a_tiled_detector_comes_back(tmp_path):
    made = fitted_detector(**TILED)
    path = str(tmp_path / "detector")
    made.save(path)
    loaded = OneClassDetector.load(path, made.gan)
    batch = tf.constant(make_parts(4, seed=9))
    for one, other in zip(
        arrays(made.detect(batch)), arrays(loaded.detect(batch)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert loaded.grid.get_config() == made.grid.get_config()


def test_generated_latents_are_like_the_references(parts_detector):
    for made in (parts_detector, fitted_detector(**TILED)):
        latents = made.generated_latents(20, seed=[0, 1])
        assert latents.shape == [20, len(made.latent_gaussian_.location_)]
