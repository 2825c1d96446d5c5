"""The detector: from images to scores, p-values, decisions and maps."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from ganad_tf import artifacts
from ganad_tf.calibration import TIE_TOLERANCE
from ganad_tf.calibration import ConformalCalibrator
from ganad_tf.gan import DCGAN
from ganad_tf.inversion import PAPER_INVERSION
from ganad_tf.inversion import InversionResult
from ganad_tf.inversion import LatentInverter
from ganad_tf.latent_statistics import LatentGaussian
from ganad_tf.residual_statistics import ResidualStatistics

SCORE_PARTS = ("frechet_scores", "reconstruction_errors")
# Quantile of qualified images at which the parts of the score weigh the same.
TAIL = 0.95
_STATISTICS = ("latent_gaussian_", "residual_statistics_", "calibrator_")
# Arguments of the inverter and of the detector.
_METHODS = {
    # Adam's division by small gradients would blow rounding up to 1e-4.
    "joint": (
        {"num_steps": 10, "optimizer": "momentum", "learning_rate": 1.0},
        {},
    ),
    "paper": (
        PAPER_INVERSION,
        {"whiten": False, "score_parts": ("frechet_scores",)},
    ),
}


class Detection(NamedTuple):
    """What the detector says of a batch of images, a row an image."""

    anomaly_scores: Any  # (batch,) the one number to rank by
    frechet_scores: Any  # (batch,) latent Fréchet distance to the reference
    reconstruction_errors: Any  # (batch,) largest residuals, in deviations
    p_values: Any  # (batch,) conformal, in (0, 1]
    is_defective: Any  # (batch,) bool, p-value at most alpha
    reconstructions: Any  # (batch, height, width, channels) in [-1, 1]
    anomaly_maps: Any  # (batch, height, width), deviations of residuals
    latents: Any  # (batch, latent_dim)


class OneClassDetector:
    """Calls images defective that the qualified images do not explain.

    An image is inverted to a latent. For aligned parts its displacement from
    the linear projection of the image, for textures the latent and that
    displacement, and for the plain DCGAN the latent alone is compared with the
    Gaussian of the training images (`frechet_scores`); the residual with their
    residuals (`reconstruction_errors`). The logarithm of each is standardised
    by the median and the upper tail of held-out qualified images; the larger
    one, by softplus made positive, is the `anomaly_scores` (0.69 at the median,
    1.31 at the tail), which the same images turn into p-values.

    Args:
        gan: A trained `DCGAN`.
        inverter: Its `LatentInverter`.
        aligned: Whether every image shows the same part in the same place.
        whiten: Whether the Fréchet distance is taken in the whitened space of
            the reference.
        score_parts: Which of `SCORE_PARTS` make up the anomaly score.
        alpha: False-alarm rate of the decision, in (0, 1).

    Attributes:
        latent_gaussian_: The reference, fitted to training images.
        residual_statistics_: Fitted to training images.
        part_location_: float64 of shape (num_parts,), and
        part_scale_: float64 of shape (num_parts,), median of the logarithm
            of each part over the calibration images, and the distance from
            there to their `TAIL` quantile.
        calibrator_: Fitted to the calibration images.
    """

    def __init__(
        self,
        gan: DCGAN,
        inverter: LatentInverter,
        *,
        aligned: bool,
        whiten: bool = True,
        score_parts: tuple[str, ...] = SCORE_PARTS,
        alpha: float = 0.05,
    ):
        self.gan = gan
        self.inverter = inverter
        self.aligned = aligned
        self.whiten = whiten
        self.score_parts = tuple(score_parts)
        self.alpha = alpha
        self.residual_statistics_ = ResidualStatistics(aligned=aligned)
        self.latent_gaussian_ = LatentGaussian(whiten=whiten)
        self.calibrator_ = ConformalCalibrator(alpha=alpha)
        self._compiled = self._compile()

    def _compile(self) -> Callable[[tf.Tensor], Detection]:
        """`detect` as one graph, traced once for every batch size."""
        images = tf.TensorSpec(self.gan.generator.output_shape)
        return tf.function(self.detect, input_signature=[images])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this detector, `gan` aside."""
        return {
            "inverter": self.inverter.get_config(),
            "aligned": self.aligned,
            "whiten": self.whiten,
            "score_parts": list(self.score_parts),
            "alpha": self.alpha,
        }

    def save(self, path: str) -> None:
        """Writes the fitted detector (not the GAN) to the folder `path`.

        The folder appears whole or not at all.
        """
        with artifacts.new_directory(path) as folder:
            artifacts.write_json(
                os.path.join(folder, "detector.json"),
                {
                    **self.get_config(),
                    "threshold": self.calibrator_.threshold_,
                    "num_training": self.latent_gaussian_.num_latents_,
                    "num_calibration": len(self.calibrator_.scores_),
                },
            )
            np.savez(
                os.path.join(folder, "statistics.npz"), **self._statistics()
            )

    def _statistics(self) -> dict[str, np.ndarray]:
        return {
            f"{owner}/{name}": value
            for owner in _STATISTICS
            for name, value in vars(getattr(self, owner)).items()
            if name.endswith("_")
        } | {
            "part_location_": self.part_location_,
            "part_scale_": self.part_scale_,
        }

    @classmethod
    def load(cls, path: str, gan: DCGAN) -> OneClassDetector:
        """Reads a detector that `save` wrote.

        Args:
            path: The folder.
            gan: The same trained GAN it was fitted with.

        Returns:
            The fitted detector.

        Raises:
            FileNotFoundError: If there is none.
        """
        config = artifacts.read_json(
            os.path.join(path, "detector.json"), made_by="fit_detector.py"
        )
        inverter = LatentInverter(gan.generate, **config["inverter"])
        arguments = ("aligned", "whiten", "score_parts", "alpha")
        detector = cls(
            gan, inverter, **{name: config[name] for name in arguments}
        )
        with np.load(os.path.join(path, "statistics.npz")) as statistics:
            for key, value in statistics.items():
                *owner, name = key.split("/")
                target = getattr(detector, owner[0]) if owner else detector
                setattr(target, name, value if value.ndim else value.item())
        return detector

    def fit(
        self,
        training_batches: Iterable[tf.Tensor],
        calibration_batches: Iterable[tf.Tensor],
    ) -> OneClassDetector:
        """Fits the statistics, then the calibration.

        Args:
            training_batches: Batches of qualified images the GAN was trained
                on, float32 of shape (batch, height, width, channels) in
                [-1, 1]. Iterated over once.
            calibration_batches: Batches of qualified images that nothing was
                trained on.

        Returns:
            The detector itself.

        Raises:
            ValueError: If there are too few calibration images for `alpha`.
        """
        # Graphs traced before hold the constants of an earlier fit.
        self._compiled = self._compile()
        latents = []

        def reconstructed():
            for images in training_batches:
                inversion = self._invert(images)
                latents.append(self._joined(images, inversion.latents))
                yield images, inversion.reconstructions

        self.residual_statistics_.fit(reconstructed())
        self.latent_gaussian_.fit(np.concatenate(latents))
        logging.info(
            "Fitted the statistics of %d training images.",
            self.latent_gaussian_.num_latents_,
        )
        return self._calibrate(calibration_batches)

    def _calibrate(self, batches) -> OneClassDetector:
        parts_of = tf.function(lambda images: self._parts(images)[0])
        parts = np.concatenate([parts_of(images) for images in batches])
        self.part_location_, tail = np.quantile(parts, [0.5, TAIL], axis=0)
        self.part_scale_ = tail - self.part_location_ + 1e-6
        self.calibrator_.fit(np.asarray(self._fused(tf.constant(parts))))
        logging.info(
            "Calibrated by %d held-out images: threshold %.4g at alpha %g.",
            len(parts),
            self.calibrator_.threshold_,
            self.alpha,
        )
        return self

    def _invert(self, images) -> InversionResult:
        return self.inverter.invert(images, self.gan.encode(images))

    def _joined(self, images, latents) -> tf.Tensor:
        """What of an image is compared with the reference.

        For aligned parts, the displacement of the latents from the linear
        projection of the image: what the denoising encoder took for a defect.
        For textures, the latents themselves beside it.
        """
        projected = self.gan.project(images)
        if projected is None:
            return latents
        if self.aligned:
            return projected - latents
        return tf.concat([latents, projected - latents], axis=1)

    def reference_latents(self, images: tf.Tensor) -> tf.Tensor:
        """The latents that are compared with the reference: (batch, dim)."""
        return self._joined(images, self._invert(images).latents)

    def _frechet_scores(self, joined: tf.Tensor) -> tf.Tensor:
        """`LatentGaussian.frechet_scores` as TensorFlow ops."""
        gaussian = self.latent_gaussian_
        offsets = joined - gaussian.location_.astype(np.float32)
        whitened = tf.matmul(offsets, gaussian.whitening_.astype(np.float32))
        return tf.reduce_sum(whitened**2, axis=1) + gaussian.spread_

    def _parts(self, images):
        """Logarithms of the score's parts (batch, num_parts), and the rest."""
        inversion = self._invert(images)
        maps = self.residual_statistics_.anomaly_maps(
            images, inversion.reconstructions
        )
        scores = {
            "frechet_scores": self._frechet_scores(
                self._joined(images, inversion.latents)
            ),
            "reconstruction_errors": (
                self.residual_statistics_.reconstruction_errors(maps)
            ),
        }
        parts = [tf.math.log(scores[name] + 1e-6) for name in self.score_parts]
        rest = {
            **scores,
            "reconstructions": inversion.reconstructions,
            "anomaly_maps": maps,
            "latents": inversion.latents,
        }
        return tf.stack(parts, axis=1), rest

    def _fused(self, parts: tf.Tensor) -> tf.Tensor:
        """The part that is farthest out in the tail of qualified images."""
        location = tf.constant(self.part_location_, tf.float32)
        scale = tf.constant(self.part_scale_, tf.float32)
        farthest = tf.reduce_max((parts - location) / scale, axis=1)
        # Positive, so that rounding stays small against every score.
        return tf.math.softplus(farthest)

    def _p_values(self, scores: tf.Tensor) -> tf.Tensor:
        """`calibration.conformal_p_values` as TensorFlow ops."""
        ordered = tf.constant(self.calibrator_.scores_, tf.float64)
        scores = tf.cast(scores, tf.float64)
        lowered = scores - TIE_TOLERANCE * tf.abs(scores)
        below = tf.searchsorted(ordered, lowered, side="left")
        count = ordered.shape[0]
        return tf.cast(1 + count - below, tf.float64) / (count + 1.0)

    def detect(self, images: tf.Tensor) -> Detection:
        """Judges images; each row depends on its own image alone.

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            detection: `Detection` of tensors, float32 but for the booleans.
        """
        parts, rest = self._parts(images)
        anomaly_scores = self._fused(parts)
        p_values = self._p_values(anomaly_scores)
        return Detection(
            anomaly_scores=anomaly_scores,
            p_values=tf.cast(p_values, tf.float32),
            is_defective=p_values <= self.alpha + 1e-9,
            **rest,
        )

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
            detection: `Detection` of NumPy arrays, a row an image.
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


def for_method(
    gan: DCGAN, *, method: str, aligned: bool, alpha: float, **inversion: Any
) -> OneClassDetector:
    """Makes the unfitted detector that belongs to a training method.

    Args:
        gan: A trained `DCGAN`.
        method: "joint": descent from the encoder's latent, whitened Fréchet
            distance, fused score. "paper" (Lai et al. 2018): plain gradient
            descent from the prior's mean, Fréchet distance in the latents' own
            space, which alone decides.
        aligned: Whether every image shows the same part in the same place.
        alpha: False-alarm rate.
        **inversion: Arguments of `LatentInverter` other than the method's.

    Returns:
        detector: `OneClassDetector`.

    Raises:
        ValueError: If the method is unknown.
    """
    if method not in _METHODS:
        raise ValueError(
            f"Invalid value for argument `method`. Expected one of "
            f"{tuple(_METHODS)}. Received: method={method!r}"
        )
    defaults, options = _METHODS[method]
    inverter = LatentInverter(gan.generate, **{**defaults, **inversion})
    return OneClassDetector(
        gan, inverter, aligned=aligned, alpha=alpha, **options
    )
