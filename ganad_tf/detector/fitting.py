"""Fitting: what the detector learns from qualified images.

Every image is inverted once: training images for the statistics, then
calibration images, which are compared with them. The maps of these wait on disk
(`Spool`) until their scale is known, so memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf.detector.calibration import means_without_each
from ganad_tf.detector.graph import DetectorGraph
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
        log_parts, tails = measure(detector, batches, maps.append, residuals)
        calibrate_by(
            detector,
            CalibrationMeasures(log_parts, tails, (m for (m,) in maps)),
        )
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
        detector: Fitted or not; it stays as it is.
        batches: float32 images of shape (n, *image_shape).
        first_image: Number of the first of them among all training images.

    Returns:
        sums: `TrainingSums`.

    Raises:
        UserError: If a latent is not finite.
    """
    residuals, latents, fields = ResidualMoments(), None, {}
    if detector.field is not None:
        fields = detector.field.new_fields(first_image)
    for images in batches:
        inverted = detector.invert_batch(images)
        descriptors = check_latents(inverted.descriptors.numpy(), at_least=1)
        latents = latents or LatentMoments(descriptors.shape[1])
        latents.update(descriptors)
        residuals.update(detector.to_network(images), inverted.reconstructions)
        for level, field in fields.items():
            field.update(
                inverted.view.features[level].numpy(),
                inverted.latents.numpy()[:, : field.latent_dim],
            )
    return TrainingSums(residuals, latents or LatentMoments(1), fields)


def finish(detector: DetectorGraph, sums: TrainingSums) -> None:
    """Gives a detector the statistics of all training images.

    Args:
        detector: Of which `accumulate` made the sums.
        sums: Of all training images, merged of their parts. Those of the field
            are used up.

    Raises:
        ValueError: If there are too few images.
    """
    detector.residual_statistics_.fit_moments(sums.residuals)
    detector.latent_gaussian_.fit_moments(sums.latents)
    if detector.field is not None:
        for field in sums.fields.values():
            field.finish()
        detector.field.fields_ = sums.fields
    detector.compile()  # earlier graphs hold earlier statistics
    logging.info(
        "Fitted the statistics to %d training latents.",
        detector.latent_gaussian_.num_latents_,
    )


class CalibrationMeasures(NamedTuple):
    """What a detector with statistics says of calibration images."""

    log_parts: np.ndarray  # (n, num_parts)
    tails: np.ndarray  # (n, num_maps), as `measure` returns them
    # Of shape (batch, height, width, num_maps), of all images in their order.
    maps: Iterable[np.ndarray]


def measure(
    detector: DetectorGraph,
    batches: Iterable[tf.Tensor],
    keep_maps: Callable[[np.ndarray], None],
    residuals: list[np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Measures calibration images, or a part of them.

    Maps are scaled by the mean of their tails over all images, so they can be
    merged only once all have been measured.

    Args:
        detector: With fitted statistics; it stays as it is.
        batches: float32 images of shape (n, *image_shape).
        keep_maps: Takes the maps of each batch, of shape
            (n, height, width, num_maps).
        residuals: Gets those of the GAN, of each batch.

    Returns:
        log_parts: (n, num_parts).
        tails: (n, num_maps), the level that few pixels of each map exceed.
    """
    log_parts, tails = [], []
    for images in batches:
        measures = detector.measure_batch(images)
        if residuals is not None:
            residuals.append(measures.residuals.numpy())
        log_parts.append(measures.log_parts)
        tails.append(np.quantile(measures.maps, PIXEL_TAIL, axis=(1, 2)))
        keep_maps(measures.maps.numpy())
    return np.concatenate(log_parts), np.concatenate(tails) + 1e-6


def calibrate_by(
    detector: DetectorGraph, measures: CalibrationMeasures
) -> None:
    """Fits the calibration to images that are measured.

    Args:
        detector: That they were measured by.
        measures: Of all calibration images.

    Raises:
        UserError: If there are too few images for `alpha`.
    """
    _calibrate_scores(detector, measures.log_parts)
    _calibrate_maps(detector, measures.maps, measures.tails)
    detector.compile()  # earlier graphs hold an earlier calibration


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
    detector: DetectorGraph, maps: Iterable[np.ndarray], tails: np.ndarray
) -> None:
    """Scales the merged maps, and fits the level at which a region begins.

    As with scores, the maps of a calibration image are scaled by the other
    images: those of a new one are, too.
    """
    detector.map_scale_ = tails.mean(axis=0)
    by_others = iter(means_without_each(tails) / detector.map_scale_)
    spec = tf.TensorSpec([None, *detector.image_shape[:2], tails.shape[1]])
    merge = tf.function(detector.merge_maps, input_signature=[spec])
    peaks, levels = [], []
    for batch in maps:
        as_new = [one / next(by_others) for one in batch]
        peaks.append(merge(np.float32(as_new)).numpy().max(axis=(1, 2)))
        merged = merge(batch).numpy()
        levels.append(np.quantile(merged, PIXEL_TAIL, axis=(1, 2)))
    level = np.concatenate(levels).mean() + 1e-6
    detector.map_scale_ = detector.map_scale_ * level
    detector.map_calibrator_.fit(np.concatenate(peaks) / level)
