"""Fitting: what the detector learns from qualified images, and its choices.

Every image is inverted once. Calibration images are inverted first, since how
well they are reconstructed decides which residuals count; what the later steps
need of them waits on disk (`Spool`), so memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf.detector.graph import BAND_ENERGIES
from ganad_tf.detector.graph import TEXTURE_PARTS
from ganad_tf.detector.graph import TILE_PARTS
from ganad_tf.detector.graph import DetectorGraph
from ganad_tf.detector.residual_statistics import MIN_EXPLAINED
from ganad_tf.detector.residual_statistics import SIGMAS
from ganad_tf.detector.residual_statistics import choose_sigma
from ganad_tf.detector.residual_statistics import explained_variances
from ganad_tf.detector.spool import Spool

# Quantile of qualified images at which the parts of the score weigh the same.
TAIL = 0.95
# Quantile of qualified pixels that is 1 in an anomaly map.
PIXEL_TAIL = 0.99
# Tiles of one image that the reference is fitted to, spread evenly.
MAX_REFERENCE_TILES = 256


def fit(
    detector: DetectorGraph,
    training_batches: Iterable[tf.Tensor],
    calibration_batches: Iterable[tf.Tensor],
) -> None:
    """Fits the statistics, then the calibration; see `OneClassDetector.fit`."""
    shape = tf.TensorSpec([None, *detector.image_shape])
    invert = tf.function(detector.invert, input_signature=[shape])
    with Spool() as inverted, Spool() as maps:
        for images in calibration_batches:
            field = invert(images)
            inverted.append(images, field.descriptors, field.reconstructions)
        _choose(detector, inverted)
        _fit_statistics(detector, training_batches, invert)
        log_parts = _measure(detector, inverted, maps)
        _calibrate_scores(detector, log_parts)
        _calibrate_maps(detector, maps)
    detector.compile()  # earlier graphs hold earlier statistics


def _choose(detector: DetectorGraph, inverted: Spool) -> None:
    """Chooses which residuals count, by how well they are reconstructed."""
    chooses_sigma = detector.aligned and detector.residual_sigma is None
    if not (chooses_sigma or detector.chooses_tile_parts):
        return
    shares = explained_variances(
        (images, reconstructions) for images, _, reconstructions in inverted
    )
    if chooses_sigma:
        _choose_residual_sigma(detector, shares)
    if detector.chooses_tile_parts:
        _choose_tile_parts(detector, shares)


def _choose_residual_sigma(
    detector: DetectorGraph, shares: dict[float, float]
) -> None:
    """Judges residuals from the finest scale on that is reconstructed."""
    detector.residual_statistics_.sigma = choose_sigma(shares)
    logging.info(
        "Residuals are judged from a blur of %g px. Variance of held-out "
        "qualified images that the reconstructions explain: %s.",
        detector.residual_statistics_.sigma,
        ", ".join(
            f"{100 * share:.1f} % at {sigma:g} to {2 * sigma:g} px"
            for sigma, share in shares.items()
        ),
    )


def _choose_tile_parts(
    detector: DetectorGraph, shares: dict[float, float]
) -> None:
    """Lets residuals of tiles count if the latents hold every pixel."""
    share = shares[SIGMAS[0]]
    counts = share >= MIN_EXPLAINED
    detector.score_parts = TEXTURE_PARTS if counts else TILE_PARTS
    logging.info(
        "Residuals of tiles %s: the reconstructions explain %.1f %% of the "
        "variance of held-out qualified images at the finest scale (required: "
        "%.1f %%).",
        "count" if counts else "do not count",
        100 * share,
        100 * MIN_EXPLAINED,
    )


def _fit_statistics(detector: DetectorGraph, batches, invert) -> None:
    """Fits everything that is compared with the training images."""
    descriptors = []

    def pairs() -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        for images in batches:
            field = invert(images)
            descriptors.append(_reference_tiles(field.descriptors))
            yield images, field.reconstructions

    detector.residual_statistics_.fit(pairs())
    detector.latent_gaussian_.fit(np.concatenate(descriptors))
    if BAND_ENERGIES in detector.score_parts:
        detector.band_statistics_.fit(batches)
    logging.info(
        "Fitted the statistics to %d training latents.",
        detector.latent_gaussian_.num_latents_,
    )


def _reference_tiles(descriptors: tf.Tensor) -> np.ndarray:
    """Descriptors (n, dim) of at most `MAX_REFERENCE_TILES` of each image."""
    step = -(-descriptors.shape[1] // MAX_REFERENCE_TILES)
    chosen = descriptors.numpy()[:, ::step]
    return chosen.reshape(-1, chosen.shape[-1])


def _measure(
    detector: DetectorGraph, inverted: Spool, maps: Spool
) -> np.ndarray:
    """Measures calibration images: log parts (n, num_parts), maps to disk.

    The scale of the maps is the mean of their tails over all images, so they
    can be merged only once all have been measured.
    """
    log_parts, tails = [], []
    measure = _traced(detector.measure, next(iter(inverted)))
    for arrays in inverted:
        measures = measure(*map(tf.constant, arrays))
        log_parts.append(measures.log_parts)
        tails.append(np.quantile(measures.maps, PIXEL_TAIL, axis=(1, 2)))
        maps.append(measures.maps)
    detector.map_scale_ = np.concatenate(tails).mean(axis=0) + 1e-6
    return np.concatenate(log_parts)


def _traced(
    function: Callable[..., Any], arrays: tuple[np.ndarray, ...]
) -> Callable[..., Any]:
    """One graph for batches of any size of arrays like these.

    A free batch size, as in `detect`, so that both round alike.
    """
    specs = [tf.TensorSpec([None, *a.shape[1:]], a.dtype) for a in arrays]
    return tf.function(function, input_signature=specs)


def _calibrate_scores(detector: DetectorGraph, log_parts: np.ndarray) -> None:
    """Standardises the parts, and fits p-values to their fused scores."""
    location, tail = np.quantile(log_parts, [0.5, TAIL], axis=0)
    detector.part_location_ = location
    detector.part_scale_ = tail - location + 1e-6
    scores = detector.fuse(tf.constant(log_parts))
    detector.calibrator_.fit(np.asarray(scores))
    logging.info(
        "Calibrated by %d held-out images: threshold %.4g at alpha %g.",
        len(log_parts),
        detector.calibrator_.threshold_,
        detector.alpha,
    )


def _calibrate_maps(detector: DetectorGraph, maps: Spool) -> None:
    """Scales the merged maps, and fits the level at which a region begins."""
    merge = _traced(detector.merge_maps, next(iter(maps)))
    peaks, tails = [], []
    for (batch,) in maps:
        merged = merge(tf.constant(batch)).numpy()
        peaks.append(merged.max(axis=(1, 2)))
        tails.append(np.quantile(merged, PIXEL_TAIL, axis=(1, 2)))
    level = np.concatenate(tails).mean() + 1e-6
    detector.map_scale_ = detector.map_scale_ * level
    detector.map_calibrator_.fit(np.concatenate(peaks) / level)
