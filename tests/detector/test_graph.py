import numpy as np
import pytest
import tensorflow as tf
from conftest import fitted_detector
from conftest import make_parts

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.detector.calibration import conformal_p_values


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


@pytest.mark.parametrize(
    "changes",
    [{}, {"method": "paper"}, {"channels": 3}],
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
    for row, other, single in zip(together, permuted, alone, strict=True):
        # Pixels near 0 are differences of like numbers: an absolute bound.
        bound = 1e-5 if row.ndim == 1 else 1e-3
        np.testing.assert_allclose(other, row[order], 1e-4, bound)
        np.testing.assert_allclose(single[0], row[2], 1e-4, bound)


def test_tensorflow_gives_the_statistics_own_numbers(parts_detector, images):
    detection = parts_detector.detect(images)
    latents = parts_detector.invert(images).descriptors.numpy()
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
    together = arrays(parts_detector.detect(images))
    batches = [images[:5], images[5:10], images[10:]]
    parts = parts_detector.detect_batches(batches)
    for one, other in zip(together, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)
    kept = parts_detector.detect_batches(
        batches, keep=lambda d: d._replace(anomaly_maps=None)
    )
    assert kept.anomaly_maps is None and len(kept.latents) == 16


def test_the_papers_verdict_is_its_frechet_distance(images):
    detection = fitted_detector(method="paper").detect(images)
    order = np.argsort(detection.frechet_scores)
    assert (np.diff(detection.anomaly_scores.numpy()[order]) >= 0).all()


def test_generated_latents_are_like_the_references(parts_detector):
    latents = parts_detector.generated_latents(20, seed=[0, 1])
    dim = len(parts_detector.latent_gaussian_.location_)
    assert latents.shape == [20, dim]


def test_known_latents_are_judged_as_their_images_are(parts_detector, images):
    inverted = parts_detector.invert(images)
    judged = arrays(parts_detector.judge(images, inverted))
    for one, other in zip(
        judged, arrays(parts_detector.detect(images)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    reference = parts_detector.invert(images).descriptors
    np.testing.assert_allclose(inverted.descriptors, reference, rtol=1e-6)
