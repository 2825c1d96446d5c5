"""Fitting: what the detector learns from qualified images.

Every image is inverted once: training images for the statistics, then
calibration images, which are compared with them. The maps of these wait on disk
(`Spool`) until their scale is known, so memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf.detector.calibration import means_without_each
from ganad_tf.detector.conditional_field import ConditionalField
from ganad_tf.detector.graph import DetectorGraph
from ganad_tf.detector.graph import Measures
from ganad_tf.detector.latent_moments import LatentMoments
from ganad_tf.detector.latent_statistics import check_latents
from ganad_tf.detector.residual_statistics import ResidualMoments
from ganad_tf.detector.spool import Spool
from ganad_tf.detector.training_sums import TrainingSums

# Quantile of qualified pixels that is 1 in an anomaly map.
PIXEL_TAIL = 0.99


def fit(
    detector: DetectorGraph,
    training_batches: Iterable[tf.Tensor],
    calibration_batches: Iterable[tf.Tensor],
) -> None:
    """Fits the statistics, then the calibration; see `OneClassDetector.fit`."""
    fit_statistics(detector, training_batches)
    calibrate(detector, calibration_batches)


def calibrate(
    detector: DetectorGraph,
    batches: Iterable[tf.Tensor],
    *,
    residuals: list[np.ndarray] | None = None,
) -> np.ndarray:
    """Fits the calibration alone: fusion, p-values, scale of the maps.

    Args:
        detector: With fitted statistics; an earlier calibration is replaced.
        batches: Of qualified images that nothing was trained on, as
            `OneClassDetector.fit` takes them. Iterated over once.
        residuals: Gets those of each batch, at the size that the GAN models:
            they tell whether the networks fit the images.

    Returns:
        log_parts: float32 of shape (n, num_parts), what was calibrated by.

    Raises:
        UserError: If there are too few images for `alpha`.
    """
    with Spool() as maps:
        log_parts, tails = _measure(detector, batches, maps, residuals)
        _calibrate_scores(detector, log_parts)
        _calibrate_maps(detector, maps, tails)
    detector.compile()  # earlier graphs hold earlier statistics
    return log_parts


def fit_statistics(
    detector: DetectorGraph, batches: Iterable[tf.Tensor]
) -> None:
    """Fits all that new images are compared with to the training images.

    Args:
        detector: Earlier statistics are replaced; what was compiled keeps them.
        batches: Of training images, as `OneClassDetector.fit` takes them.
            Iterated over once.

    Raises:
        UserError: If the inversion diverges.
    """
    finish(detector, accumulate(detector, batches))


def accumulate(
    detector: DetectorGraph,
    batches: Iterable[tf.Tensor],
    *,
    first_image: int = 0,
) -> TrainingSums:
    """Sums up training images; the sums of parts of them can be merged.

    Args:
        detector: Fitted or not; its field, if any, is in use until `finish`.
        batches: float32 images of shape (n, *image_shape).
        first_image: Number of the first of them among all training images.

    Returns:
        sums: `TrainingSums`.

    Raises:
        UserError: If a latent is not finite.
    """
    spec = tf.TensorSpec([None, *detector.image_shape])
    invert = tf.function(detector.invert, input_signature=[spec])
    residuals, latents = ResidualMoments(), None
    fields = _new_fields(detector, first_image)
    for images in batches:
        inverted = invert(images)
        descriptors = check_latents(inverted.descriptors.numpy(), at_least=1)
        latents = latents or LatentMoments(descriptors.shape[1])
        latents.update(descriptors)
        residuals.update(detector.to_network(images), inverted.reconstructions)
        if fields:
            detector.field.update(
                {k: v.numpy() for k, v in inverted.view.features.items()},
                inverted.latents.numpy(),
            )
    return TrainingSums(residuals, latents or LatentMoments(1), fields)


def _new_fields(
    detector: DetectorGraph, first_image: int
) -> dict[str, ConditionalField]:
    if detector.field is None:
        return {}
    detector.field.reset()
    for field in detector.field.fields_.values():
        field.first_image = first_image
    return detector.field.fields_


def finish(detector: DetectorGraph, sums: TrainingSums) -> None:
    """Gives a detector the statistics of all training images.

    Args:
        detector: Of which `accumulate` made the sums.
        sums: Of all training images, merged of their parts.

    Raises:
        ValueError: If there are too few images.
    """
    detector.residual_statistics_.fit_moments(sums.residuals)
    detector.latent_gaussian_.fit_moments(sums.latents)
    if detector.field is not None:
        detector.field.fields_ = sums.fields
        detector.field.finish()
    logging.info(
        "Fitted the statistics to %d training latents.",
        detector.latent_gaussian_.num_latents_,
    )


def _measure(
    detector: DetectorGraph,
    batches: Iterable[tf.Tensor],
    maps: Spool,
    residuals: list[np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Measures calibration images; their maps go to disk.

    Maps are scaled by the mean of their tails over all images, so they can be
    merged only once all have been measured.

    Returns:
        log_parts: (n, num_parts).
        tails: (n, num_maps), the level that few pixels of each map exceed.
    """

    def inverted_and_measured(
        images: tf.Tensor,
    ) -> tuple[Measures, tf.Tensor | None]:
        inverted = detector.invert(images)
        measures = detector.measure(images, inverted)
        if residuals is None:
            return measures, None
        return measures, detector.to_network(images) - inverted.reconstructions

    # A free batch size, as in `detect`, so that both round alike.
    spec = tf.TensorSpec([None, *detector.image_shape])
    measure = tf.function(inverted_and_measured, input_signature=[spec])
    log_parts, tails = [], []
    for images in batches:
        measures, residual = measure(images)
        if residuals is not None:
            residuals.append(residual.numpy())
        log_parts.append(measures.log_parts)
        tails.append(np.quantile(measures.maps, PIXEL_TAIL, axis=(1, 2)))
        maps.append(measures.maps)
    return np.concatenate(log_parts), np.concatenate(tails) + 1e-6


def _calibrate_scores(detector: DetectorGraph, log_parts: np.ndarray) -> None:
    """Standardises the parts, and fits p-values to their fused scores."""
    detector.calibrator_.fit(detector.fusion_.fit(log_parts))
    logging.info(
        "Calibrated by %d held-out images: threshold %.4g at alpha %g.",
        len(log_parts),
        detector.calibrator_.threshold_,
        detector.alpha,
    )


def _calibrate_maps(
    detector: DetectorGraph, maps: Spool, tails: np.ndarray
) -> None:
    """Scales the merged maps, and fits the level at which a region begins.

    As with scores, the maps of a calibration image are scaled by the other
    images: those of a new one are, too.
    """
    detector.map_scale_ = tails.mean(axis=0)
    by_others = iter(means_without_each(tails) / detector.map_scale_)
    (first,) = next(iter(maps))
    spec = tf.TensorSpec([None, *first.shape[1:]])
    merge = tf.function(detector.merge_maps, input_signature=[spec])
    peaks, levels = [], []
    for (batch,) in maps:
        as_new = [one / next(by_others) for one in batch]
        peaks.append(merge(np.float32(as_new)).numpy().max(axis=(1, 2)))
        merged = merge(batch).numpy()
        levels.append(np.quantile(merged, PIXEL_TAIL, axis=(1, 2)))
    level = np.concatenate(levels).mean() + 1e-6
    detector.map_scale_ = detector.map_scale_ * level
    detector.map_calibrator_.fit(np.concatenate(peaks) / level)
