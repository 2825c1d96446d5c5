"""The detector's graph: from images to scores, p-values, decisions, maps."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganad_tf.data.tiles import TileGrid
from ganad_tf.detector.band_statistics import WINDOW_SIGMA
from ganad_tf.detector.band_statistics import BandStatistics
from ganad_tf.detector.calibration import TIE_TOLERANCE
from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.latent_field import FieldInverter
from ganad_tf.detector.latent_field import LatentField
from ganad_tf.detector.latent_statistics import LatentGaussian
from ganad_tf.detector.residual_statistics import ResidualStatistics
from ganad_tf.detector.residual_statistics import gaussian_blur
from ganad_tf.detector.residual_statistics import mean_of_largest
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.inversion import LatentInverter
from ganad_tf.score_parts import FRECHET
from ganad_tf.score_parts import RESIDUAL

# The part that only textures have; it is no output of its own.
BAND_ENERGIES = "band_energies"
ALIGNED_PARTS = (FRECHET.field, RESIDUAL.field)
TEXTURE_PARTS = (*ALIGNED_PARTS, BAND_ENERGIES)
# For tiles whose latents do not hold every pixel of a qualified texture.
TILE_PARTS = (FRECHET.field, BAND_ENERGIES)


class Measures(NamedTuple):
    """Scores and maps of a batch of images before calibration."""

    log_parts: tf.Tensor  # (batch, num_parts), logarithms, as `score_parts`
    maps: tf.Tensor  # (batch, height, width, num_maps), not scaled
    frechet_scores: tf.Tensor  # (batch,)
    reconstruction_errors: tf.Tensor  # (batch,)


class DetectorGraph:
    """TensorFlow graph of the detector, over statistics fitted elsewhere.

    Arguments and attributes are those of `OneClassDetector`, which adds
    fitting, saving and loading. Statistics are read while the graph is traced
    and become its constants.
    """

    def __init__(
        self,
        gan: DCGAN,
        inverter: LatentInverter,
        *,
        aligned: bool,
        grid: TileGrid | None = None,
        whiten: bool = True,
        score_parts: tuple[str, ...] | None = None,
        residual_sigma: float | None = None,
        alpha: float = 0.05,
    ):
        size = gan.generator.output_shape[1]
        self.gan = gan
        self.inverter = inverter
        self.aligned = aligned
        self.grid = grid or TileGrid(size, size, tile_size=size, stride=size)
        self.whiten = whiten
        self.score_parts = tuple(score_parts or self._default_parts())
        self.chooses_tile_parts = score_parts is None and not self.grid.is_whole
        self.residual_sigma = residual_sigma
        self.alpha = alpha
        self.field_inverter = FieldInverter(
            gan, inverter, grid=self.grid, aligned=aligned
        )
        self.residual_statistics_ = ResidualStatistics(aligned=aligned)
        if residual_sigma is not None:
            self.residual_statistics_.sigma = residual_sigma
        self.band_statistics_ = BandStatistics()
        self.latent_gaussian_ = LatentGaussian(whiten=whiten)
        self.calibrator_ = ConformalCalibrator(alpha=alpha)
        self.map_calibrator_ = ConformalCalibrator(alpha=alpha)
        self.compile()

    def _default_parts(self) -> tuple[str, ...]:
        if not self.grid.is_whole:
            return TILE_PARTS
        return ALIGNED_PARTS if self.aligned else TEXTURE_PARTS

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that are judged."""
        channels = self.gan.generator.output_shape[-1]
        return self.grid.height, self.grid.width, channels

    def compile(self) -> None:
        """Forgets graphs of earlier statistics; one trace for all batches."""
        images = tf.TensorSpec([None, *self.image_shape])
        self._compiled: Callable[[tf.Tensor], Detection] = tf.function(
            self.detect, input_signature=[images]
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this detector, except `gan`."""
        return {
            "inverter": self.inverter.get_config(),
            "aligned": self.aligned,
            "grid": self.grid.get_config(),
            "whiten": self.whiten,
            "score_parts": list(self.score_parts),
            "residual_sigma": self.residual_statistics_.sigma,
            "alpha": self.alpha,
        }

    def detect(self, images: tf.Tensor) -> Detection:
        """Judges images; each row depends on its own image alone.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            detection: `Detection` of tensors, float32 except the booleans.
        """
        return self.judge(images, self.invert(images))

    def detect_batches(
        self,
        batches: Iterable[tf.Tensor],
        *,
        keep: Callable[[Detection], Detection] = lambda detection: detection,
    ) -> Detection:
        """Judges any number of batches.

        Args:
            batches: Batches of images as `detect` takes them, at least one.
            keep: What to keep of the `Detection` of each batch; fields that
                it sets to None stay None.

        Returns:
            detection: `Detection` of NumPy arrays, one row for each image.
        """
        kept = [
            keep(Detection(*(part.numpy() for part in self._compiled(images))))
            for images in batches
        ]
        return Detection(
            *(
                None if column[0] is None else np.concatenate(column)
                for column in zip(*kept, strict=True)
            )
        )

    def invert(self, images: tf.Tensor) -> LatentField:
        """The latent field of images: the expensive half of `detect`.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            field: `LatentField`.
        """
        return self.field_inverter.invert(images)

    def judge(self, images: tf.Tensor, field: LatentField) -> Detection:
        """Judges images whose latent field is known: the rest of `detect`.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].
            field: What `invert` returned for them.

        Returns:
            detection: `Detection` of tensors.
        """
        measures = self.measure(
            images, field.descriptors, field.reconstructions
        )
        anomaly_scores = self.fuse(measures.log_parts)
        p_values = self._p_values(anomaly_scores)
        return Detection(
            anomaly_scores=anomaly_scores,
            frechet_scores=measures.frechet_scores,
            reconstruction_errors=measures.reconstruction_errors,
            p_values=tf.cast(p_values, tf.float32),
            is_defective=p_values <= self.alpha + 1e-9,
            reconstructions=field.reconstructions,
            anomaly_maps=self.merge_maps(measures.maps),
            latents=self._latents_of(field),
            descriptors=field.descriptors,
        )

    def reference_latents(self, images: tf.Tensor) -> tf.Tensor:
        """The descriptors that are compared with the reference.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            descriptors: float32 of shape (batch * num_tiles, dim).
        """
        descriptors = self.invert(images).descriptors
        return tf.reshape(descriptors, [-1, descriptors.shape[-1]])

    def generated_latents(
        self, num_latents: int, *, seed: tf.Tensor
    ) -> tf.Tensor:
        """`reference_latents` of generated images, or of one image's tiles.

        Args:
            num_latents: How many latents are drawn.
            seed: Integers of shape (2,).

        Returns:
            descriptors: float32 of shape (num_latents, dim).
        """
        return self.field_inverter.descriptors_of_generated(
            num_latents, seed=seed
        )

    def measure(
        self,
        images: tf.Tensor,
        descriptors: tf.Tensor,
        reconstructions: tf.Tensor,
    ) -> Measures:
        """Compares images and their latent field with the statistics.

        Args:
            images: float32 of shape (batch, height, width, channels).
            descriptors: float32 of shape (batch, num_tiles, dim).
            reconstructions: float32 of the images' shape.

        Returns:
            measures: `Measures`; needs no calibration.
        """
        distances = self._frechet_distances(descriptors)
        residual_maps = self.residual_statistics_.anomaly_maps(
            images, reconstructions
        )
        scores = {
            FRECHET.field: mean_of_largest(distances),
            RESIDUAL.field: self.residual_statistics_.reconstruction_errors(
                residual_maps
            ),
        }
        maps = []
        if self.grid.is_whole or RESIDUAL.field in self.score_parts:
            maps.append(residual_maps)
        if not self.grid.is_whole:
            maps.append(self._frechet_maps(distances))
        if BAND_ENERGIES in self.score_parts:
            maps.append(self.band_statistics_.anomaly_maps(images))
            scores[BAND_ENERGIES] = self.band_statistics_.band_energies(
                maps[-1]
            )
        parts = [tf.math.log(scores[name] + 1e-6) for name in self.score_parts]
        return Measures(
            tf.stack(parts, axis=1),
            tf.stack(maps, axis=-1),
            scores[FRECHET.field],
            scores[RESIDUAL.field],
        )

    def _frechet_distances(self, descriptors: tf.Tensor) -> tf.Tensor:
        """`LatentGaussian.frechet_scores` as TensorFlow ops, for each tile."""
        gaussian = self.latent_gaussian_
        offsets = descriptors - gaussian.location_.astype(np.float32)
        whitening = tf.constant(gaussian.whitening_.astype(np.float32))
        whitened = tf.tensordot(offsets, whitening, 1)
        return tf.reduce_sum(whitened**2, axis=-1) + gaussian.spread_

    def _frechet_maps(self, distances: tf.Tensor) -> tf.Tensor:
        """Local Fréchet distances: each pixel has that of its tiles."""
        grid = self.grid
        tile = [grid.tile_size, grid.tile_size, 1]
        shape = [-1, grid.num_rows, grid.num_columns, 1, 1, 1]
        tiles = tf.reshape(distances, shape) * tf.ones(tile)
        return grid.stitch(tiles)[..., 0]

    def _latents_of(self, field: LatentField) -> tf.Tensor:
        grid = self.grid
        if grid.is_whole:
            return field.latents[:, 0]
        return tf.reshape(
            field.latents,
            [-1, grid.num_rows, grid.num_columns, self.gan.latent_dim],
        )

    def merge_maps(self, maps: tf.Tensor) -> tf.Tensor:
        """One anomaly map of the maps of all kinds.

        Args:
            maps: float32 of shape (batch, height, width, num_maps).

        Returns:
            anomaly_maps: float32 of shape (batch, height, width); 1 is rare
                in qualified images.
        """
        scaled = maps / tf.constant(self.map_scale_, tf.float32)
        merged = tf.reduce_mean(scaled, axis=-1, keepdims=True)
        if not self.aligned:
            sigma = WINDOW_SIGMA  # as of the band energies
            if not self.grid.is_whole:
                sigma = float(self.grid.tile_size)
            merged = gaussian_blur(merged, sigma=sigma)
        return merged[..., 0]

    def fuse(self, log_parts: tf.Tensor) -> tf.Tensor:
        """Anomaly scores: how extreme the parts are among qualified images.

        Args:
            log_parts: Floats of shape (batch, num_parts).

        Returns:
            anomaly_scores: float32 of shape (batch,), above 0.
        """
        location = tf.constant(self.part_location_, tf.float32)
        scale = tf.constant(self.part_scale_, tf.float32)
        mean = tf.reduce_mean((log_parts - location) / scale, axis=1)
        # Positive, so that rounding stays small against every score.
        return tf.math.softplus(mean)

    def _p_values(self, scores: tf.Tensor) -> tf.Tensor:
        """`calibration.conformal_p_values` as TensorFlow ops, in float64."""
        ordered = tf.constant(self.calibrator_.scores_, tf.float64)
        scores = tf.cast(scores, tf.float64)
        lowered = scores - TIE_TOLERANCE * tf.abs(scores)
        below = tf.searchsorted(ordered, lowered, side="left")
        count = ordered.shape[0]
        return tf.cast(1 + count - below, tf.float64) / (count + 1.0)
