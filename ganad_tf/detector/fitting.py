"""Fitting: what the detector learns from qualified images.

Every image is inverted once: training images for the statistics, then
calibration images, which are compared with them. The maps of these wait on disk
(`Spool`) until their scale is known, so memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf.detector.graph import DetectorGraph
from ganad_tf.detector.graph import Measures
from ganad_tf.detector.latent_statistics import check_latents
from ganad_tf.detector.spool import Spool

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
    detector: DetectorGraph, batches: Iterable[tf.Tensor]
) -> np.ndarray:
    """Fits the calibration alone: fusion, p-values, scale of the maps.

    Args:
        detector: With fitted statistics; an earlier calibration is replaced.
        batches: Of qualified images that nothing was trained on, as
            `OneClassDetector.fit` takes them. Iterated over once.

    Returns:
        log_parts: float32 of shape (n, num_parts), what was calibrated by.

    Raises:
        UserError: If there are too few images for `alpha`.
    """
    with Spool() as maps:
        log_parts = _measure(detector, batches, maps)
        _calibrate_scores(detector, log_parts)
        _calibrate_maps(detector, maps)
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
    spec = tf.TensorSpec([None, *detector.image_shape])
    invert = tf.function(detector.invert, input_signature=[spec])
    descriptors = []

    def pairs() -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        for images in batches:
            inverted = invert(images)
            descriptors.append(
                check_latents(inverted.descriptors.numpy(), at_least=1)
            )
            if detector.field is not None:
                detector.field.update(
                    {k: v.numpy() for k, v in inverted.view.features.items()},
                    inverted.latents.numpy(),
                )
            yield detector.to_network(images), inverted.reconstructions

    if detector.field is not None:
        detector.field.reset()
    detector.residual_statistics_.fit(pairs())
    detector.latent_gaussian_.fit(np.concatenate(descriptors))
    if detector.field is not None:
        detector.field.finish()
    logging.info(
        "Fitted the statistics to %d training latents.",
        detector.latent_gaussian_.num_latents_,
    )


def _measure(
    detector: DetectorGraph, batches: Iterable[tf.Tensor], maps: Spool
) -> np.ndarray:
    """Measures calibration images: log parts (n, num_parts), maps to disk.

    The scale of the maps is the mean of their tails over all images, so they
    can be merged only once all have been measured.
    """

    def inverted_and_measured(images: tf.Tensor) -> Measures:
        return detector.measure(images, detector.invert(images))

    # A free batch size, as in `detect`, so that both round alike.
    spec = tf.TensorSpec([None, *detector.image_shape])
    measure = tf.function(inverted_and_measured, input_signature=[spec])
    log_parts, tails = [], []
    for images in batches:
        measures = measure(images)
        log_parts.append(measures.log_parts)
        tails.append(np.quantile(measures.maps, PIXEL_TAIL, axis=(1, 2)))
        maps.append(measures.maps)
    detector.map_scale_ = np.concatenate(tails).mean(axis=0) + 1e-6
    return np.concatenate(log_parts)


def _calibrate_scores(detector: DetectorGraph, log_parts: np.ndarray) -> None:
    """Standardises the parts, and fits p-values to their fused scores."""
    detector.calibrator_.fit(detector.fusion_.fit(log_parts))
    logging.info(
        "Calibrated by %d held-out images: threshold %.4g at alpha %g.",
        len(log_parts),
        detector.calibrator_.threshold_,
        detector.alpha,
    )


def _calibrate_maps(detector: DetectorGraph, maps: Spool) -> None:
    """Scales the merged maps, and fits the level at which a region begins."""
    (first,) = next(iter(maps))
    spec = tf.TensorSpec([None, *first.shape[1:]])
    merge = tf.function(detector.merge_maps, input_signature=[spec])
    peaks, tails = [], []
    for (batch,) in maps:
        merged = merge(tf.constant(batch)).numpy()
        peaks.append(merged.max(axis=(1, 2)))
        tails.append(np.quantile(merged, PIXEL_TAIL, axis=(1, 2)))
    level = np.concatenate(tails).mean() + 1e-6
    detector.map_scale_ = detector.map_scale_ * level
    detector.map_calibrator_.fit(np.concatenate(peaks) / level)
