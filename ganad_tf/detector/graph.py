"""The detector's graph: from images to scores, p-values, decisions, maps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ganad_tf.detector import anomaly_maps
from ganad_tf.detector.calibration import TIE_TOLERANCE
from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.detection import Measures
from ganad_tf.detector.feature_field import LEVELS
from ganad_tf.detector.feature_field import FeatureField
from ganad_tf.detector.feature_field import Level
from ganad_tf.detector.fusion import PartFusion
from ganad_tf.detector.inverted_images import ImageInverter
from ganad_tf.detector.inverted_images import InvertedImages
from ganad_tf.detector.latent_statistics import LatentGaussian
from ganad_tf.detector.residual_statistics import ResidualStatistics
from ganad_tf.detector.residual_statistics import mean_of_largest
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.inversion import LatentInverter
from ganad_tf.score_parts import FRECHET
from ganad_tf.score_parts import RESIDUAL


class DetectorGraph:
    """TensorFlow graph of the detector, over statistics fitted elsewhere.

    Arguments and attributes are those of `OneClassDetector`, which adds
    fitting, saving and loading. Statistics are read while the graph is traced
    and become its constants.

    Attributes:
        invert_batch: `invert`, traced once for batches of any size.
        measure_batch: `measure` of images that it inverts, likewise.
    """

    def __init__(
        self,
        gan: DCGAN,
        inverter: LatentInverter,
        *,
        field: FeatureField | None = None,
        whiten: bool = True,
        score_parts: Iterable[str] = (FRECHET.field, RESIDUAL.field),
        alpha: float = 0.05,
    ):
        self.gan = gan
        self.inverter = inverter
        self.field = field
        self.whiten = whiten
        self.score_parts = tuple(score_parts)
        self.image_inverter = ImageInverter(gan, inverter)
        self.residual_statistics_ = ResidualStatistics()
        self.fusion_ = PartFusion(
            [1.0] * len(self.score_parts)
            + [level.weight for level in self.field_levels.values()]
        )
        self.latent_gaussian_ = LatentGaussian(whiten=whiten)
        self.set_alpha(alpha)
        self.compile()

    def set_alpha(self, alpha: float) -> None:
        """Promises another false-alarm rate; an earlier calibration is lost.

        Args:
            alpha: In (0, 1).
        """
        self.alpha = alpha
        self.calibrator_ = ConformalCalibrator(alpha=alpha)
        self.map_calibrator_ = ConformalCalibrator(alpha=alpha)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that are judged."""
        if self.field is None:
            return self.network_shape
        return (*self.field.image_size, self.network_shape[-1])

    @property
    def network_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that the GAN models."""
        return tuple(self.gan.generator.output_shape[1:])

    @property
    def parts(self) -> tuple[str, ...]:
        """What makes up the anomaly score: `score_parts`, then the field."""
        return self.score_parts + tuple(self.field_levels)

    @property
    def field_levels(self) -> Mapping[str, Level]:
        """Levels of the field; none without a field."""
        return {} if self.field is None else LEVELS

    def compile(self) -> None:
        """Forgets graphs of earlier statistics; one trace for all batches."""

        def measure(images: tf.Tensor) -> Measures:
            return self.measure(images, self.invert(images))

        spec = tf.TensorSpec([None, *self.image_shape])
        traced = functools.partial(
            tf.function, input_signature=[spec], autograph=False
        )
        self.detect_batch: Callable[..., Detection] = traced(self.detect)
        self.invert_batch: Callable[..., InvertedImages] = traced(self.invert)
        self.measure_batch: Callable[..., Measures] = traced(measure)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this detector, except `gan`."""
        return {
            "inverter": self.inverter.get_config(),
            "field": None if self.field is None else self.field.get_config(),
            "whiten": self.whiten,
            "score_parts": list(self.score_parts),
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
            keep(Detection(*(p.numpy() for p in self.detect_batch(images))))
            for images in batches
        ]
        return Detection(
            *(
                None if column[0] is None else np.concatenate(column)
                for column in zip(*kept, strict=True)
            )
        )

    def invert(self, images: tf.Tensor) -> InvertedImages:
        """Latents and reconstructions: the expensive half of `detect`.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            inverted: `InvertedImages`.
        """
        inverted = self.image_inverter.invert(self.to_network(images))
        if self.field is None:
            return inverted
        return inverted._replace(view=self.field.describe(images))

    def to_network(self, images: tf.Tensor) -> tf.Tensor:
        """Images at the size that the GAN models: `network_shape`."""
        return _resized(images, self.network_shape)

    def judge(self, images: tf.Tensor, inverted: InvertedImages) -> Detection:
        """Judges images whose latents are known: the rest of `detect`.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].
            inverted: What `invert` returned for them.

        Returns:
            detection: `Detection` of tensors.
        """
        measures = self.measure(images, inverted)
        anomaly_scores = self.fusion_.fuse(measures.log_parts)
        p_values = self._p_values(anomaly_scores)
        return Detection(
            anomaly_scores=anomaly_scores,
            frechet_scores=self._combined_distances(measures),
            reconstruction_errors=measures.reconstruction_errors,
            p_values=tf.cast(p_values, tf.float32),
            is_defective=p_values <= self.alpha + 1e-9,
            reconstructions=self.reconstruct(inverted),
            anomaly_maps=self.merge_maps(measures.maps),
            latents=inverted.latents,
            descriptors=inverted.descriptors,
            part_scores=self.fusion_.standardize(measures.log_parts),
        )

    def reconstruct(self, inverted: InvertedImages) -> tf.Tensor:
        """Reconstructions at the size of the images.

        The generator gives what its own resolution holds, the restored image
        of the field what is finer: two levels of a Laplacian pyramid.

        Args:
            inverted: What `invert` returned.

        Returns:
            reconstructions: float32 of shape (batch, height, width, channels)
                in [-1, 1].
        """
        coarse = _resized(inverted.reconstructions, self.image_shape)
        if inverted.view is None:
            return coarse
        restored = inverted.view.restored
        blurred = _resized(self.to_network(restored), self.image_shape)
        return tf.clip_by_value(coarse + restored - blurred, -1.0, 1.0)

    def generated_latents(
        self, num_latents: int, *, seed: tf.Tensor
    ) -> tf.Tensor:
        """Descriptors of generated images.

        Args:
            num_latents: How many latents are drawn.
            seed: Integers of shape (2,).

        Returns:
            descriptors: float32 of shape (num_latents, dim).
        """
        return self.image_inverter.descriptors_of_generated(
            num_latents, seed=seed
        )

    def measure(self, images: tf.Tensor, inverted: InvertedImages) -> Measures:
        """Compares images and their inversion with the statistics.

        Args:
            images: float32 of shape (batch, height, width, channels).
            inverted: What `invert` returned for them.

        Returns:
            measures: `Measures`; needs no calibration.
        """
        shown = self.to_network(images)
        residual_maps = self.residual_statistics_.anomaly_maps(
            shown, inverted.reconstructions
        )
        scores = {
            FRECHET.field: self._frechet_scores(inverted.descriptors),
            RESIDUAL.field: self.residual_statistics_.reconstruction_errors(
                residual_maps
            ),
        }
        maps = [_resized(residual_maps[..., None], self.image_shape)]
        if self.field is not None:
            distances = self.field.frechet_distances(
                inverted.view.features, inverted.latents
            )
            scores |= {k: mean_of_largest(d) for k, d in distances.items()}
            field_map = anomaly_maps.field_map(self.field.fields_, distances)
            maps.append(_resized(field_map[..., None], self.image_shape))
        parts = [tf.math.log(scores[name] + 1e-6) for name in self.parts]
        return Measures(
            tf.stack(parts, axis=1),
            tf.concat(maps, axis=-1),
            scores[FRECHET.field],
            scores[RESIDUAL.field],
            shown - inverted.reconstructions,
        )

    def _frechet_scores(self, descriptors: tf.Tensor) -> tf.Tensor:
        """`LatentGaussian.frechet_scores` as TensorFlow ops."""
        gaussian = self.latent_gaussian_
        offsets = descriptors - gaussian.location_.astype(np.float32)
        whitening = tf.constant(gaussian.whitening_.astype(np.float32))
        whitened = tf.matmul(offsets, whitening)
        return tf.reduce_sum(whitened**2, axis=-1) + gaussian.spread_

    def merge_maps(self, maps: tf.Tensor) -> tf.Tensor:
        """One anomaly map of the maps of all kinds.

        Args:
            maps: float32 of shape (batch, height, width, num_maps).

        Returns:
            anomaly_maps: float32 of shape (batch, height, width); 1 is rare
                in qualified images.
        """
        scaled = maps / tf.constant(self.map_scale_, tf.float32)
        return anomaly_maps.merged(scaled)

    def _combined_distances(self, measures: Measures) -> tf.Tensor:
        """Frechet scores: of the latent alone, or combined with the field's."""
        if self.field is None:
            return measures.frechet_scores
        return self.fusion_.distances(measures.log_parts, self._are_distances)

    @property
    def _are_distances(self) -> list[bool]:
        return [name != RESIDUAL.field for name in self.parts]

    def frechet_scores_as_if_new(self, calibration: Detection) -> np.ndarray:
        """Frechet scores of the calibration images, to calibrate others by.

        Args:
            calibration: `Detection` of all images that the calibration was
                fitted to, and of no others.

        Returns:
            frechet_scores: Floats of shape (n,); each image had no share in
                the scales of its own distances, as a new image has none.
        """
        if self.field is None:
            return np.asarray(calibration.frechet_scores)
        standardized = np.asarray(calibration.part_scores, np.float64)
        log_parts = standardized * self.fusion_.scale_ + self.fusion_.location_
        return self.fusion_.distances_as_if_new(log_parts, self._are_distances)

    def _p_values(self, scores: tf.Tensor) -> tf.Tensor:
        """`calibration.conformal_p_values` as TensorFlow ops, in float64."""
        ordered = tf.constant(self.calibrator_.scores_, tf.float64)
        scores = tf.cast(scores, tf.float64)
        lowered = scores - TIE_TOLERANCE * tf.abs(scores)
        below = tf.searchsorted(ordered, lowered, side="left")
        count = ordered.shape[0]
        return tf.cast(1 + count - below, tf.float64) / (count + 1.0)


def _resized(images: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Images at the height and width of `shape`; the same if they have it."""
    height, width = shape[:2]
    if (height, width) == tuple(images.shape[1:3]):
        return images
    return tf.image.resize(images, [height, width], antialias=True)
