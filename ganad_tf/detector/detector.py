"""The detector: its graph, with fitting, saving and loading."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganad_tf import recipes
from ganad_tf.detector import fitting
from ganad_tf.detector import storage
from ganad_tf.detector import unjudged
from ganad_tf.detector.detection import Detection
from ganad_tf.detector.feature_field import FeatureField
from ganad_tf.detector.graph import DetectorGraph
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.inversion import LatentInverter
from ganad_tf.score_parts import UNJUDGED_SCORE


class OneClassDetector(DetectorGraph):
    """Calls images defective that the qualified images do not explain.

    An image is inverted to a latent, whose descriptor (`ImageInverter`) is
    compared with the Gaussian of the training images. The residual is compared
    with the residuals of the training images (`reconstruction_errors`). At the
    image's own resolution, the features of each cell are compared with the
    Gaussian they have given the latent (`FeatureField`); with the latent's
    distance they make up the `frechet_scores`.

    The logarithm of each part is standardised by the median and the upper
    tail of held-out qualified images. A power mean of the standardised parts,
    made positive by a softplus, gives the `anomaly_scores` (`fuse`), which the
    same images turn into p-values.

    Args:
        gan: A trained `DCGAN`.
        inverter: Its `LatentInverter`.
        field: `FeatureField`; None to judge by the GAN alone.
        whiten: Whether the Fréchet distance is taken in the whitened space of
            the reference.
        score_parts: Parts that make up the anomaly score, by their field of
            `Detection`.
        alpha: False-alarm rate of the decision, in (0, 1).

    Attributes:
        latent_gaussian_: The reference, fitted to training images.
        residual_statistics_: Fitted to training images.
        fusion_: Fitted to the parts of the calibration images.
        map_scale_: float64 of shape (num_maps,), what the maps of each kind
            are divided by: their `fitting.PIXEL_TAIL` quantile, on average
            over the calibration images, times that of the merged maps.
        calibrator_: Fitted to the scores of the calibration images.
        map_calibrator_: Fitted to the largest value of each of their maps: its
            threshold is the level at which a region begins, which a qualified
            image reaches with a probability of at most `alpha`.
    """

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        gan: DCGAN,
        unet: keras.Model | None = None,
    ) -> OneClassDetector:
        """Builds the unfitted detector that `get_config` describes.

        Args:
            config: Of `get_config`.
            gan: The trained `DCGAN`.
            unet: The trained U-Net discriminator; None without a field.

        Returns:
            detector: Unfitted.
        """
        arguments = ("whiten", "score_parts", "alpha")
        field = None
        if config.get("field") is not None:
            field = FeatureField(unet, **config["field"])
        return cls(
            gan,
            LatentInverter(gan.generate, **config["inverter"]),
            field=field,
            **{name: config[name] for name in arguments},
        )

    def unfitted(self, **changes: Any) -> OneClassDetector:
        """Builds an unfitted detector of the same networks.

        Args:
            **changes: Entries of `get_config` that are others.

        Returns:
            detector: Unfitted; this one stays as it is.
        """
        unet = self.field and self.field.unet
        config = self.get_config() | changes
        return self.from_config(config, self.gan, unet)

    def detect(self, images: tf.Tensor) -> Detection:
        """Judges images; each row depends on its own image alone.

        An image with a pixel that is not finite or far out of range, or with a
        score that is not finite, is defective at the least p-value
        (`unjudged`).

        Args:
            images: float32 of shape (batch, height, width, channels) in
                [-1, 1].

        Returns:
            detection: `Detection` of tensors, float32 except the booleans.
        """
        (least,) = self.calibrator_.p_values(np.array([UNJUDGED_SCORE]))
        return unjudged.judge_or_reject(
            lambda safe: DetectorGraph.detect(self, safe),
            images,
            least_p_value=least,
        )

    def fit(
        self,
        training_batches: Iterable[tf.Tensor],
        calibration_batches: Iterable[tf.Tensor],
    ) -> OneClassDetector:
        """Fits the statistics, then the calibration; inverts each image once.

        Args:
            training_batches: Batches of qualified images the GAN was trained
                on, float32 of shape (batch, height, width, channels) in
                [-1, 1]. Iterated over once.
            calibration_batches: Batches of qualified images that nothing was
                trained on. Iterated over once.

        Returns:
            The detector itself.

        Raises:
            UserError: If there are too few calibration images for `alpha`, or
                the inversion diverges.
        """
        fitting.fit(self, training_batches, calibration_batches)
        return self

    def save(self, path: str) -> None:
        """Writes the fitted detector (not the GAN) to the folder `path`.

        The folder appears only when it is complete.

        Raises:
            UserError: If the folder cannot be written.
        """
        storage.save(self, path)

    @classmethod
    def load(
        cls, path: str, gan: DCGAN, unet: keras.Model | None = None
    ) -> OneClassDetector:
        """Reads a detector that `save` wrote.

        Args:
            path: The folder.
            gan: The same trained GAN it was fitted with.
            unet: The same trained U-Net discriminator; None without a field.

        Returns:
            The fitted detector.

        Raises:
            UserError: If there is none, its files are broken, an earlier
                version wrote them, or it was fitted with other weights.
        """
        detector = cls.from_config(storage.read_config(path), gan, unet)
        storage.check_weights(detector, path)
        storage.restore_statistics(detector, path)
        return detector


def build_detector(
    gan: DCGAN,
    *,
    method: str,
    alpha: float,
    field: FeatureField | None = None,
    **inversion: Any,
) -> OneClassDetector:
    """Builds the unfitted detector of a method's recipe.

    Args:
        gan: A trained `DCGAN`.
        method: "joint": descent from the encoder's latent, whitened Fréchet
            distance, fused score. "paper" (Lai et al. 2018): plain gradient
            descent from the prior's mean, Fréchet distance in the latents' own
            space, which alone decides.
        alpha: False-alarm rate, in (0, 1).
        field: Of a trained U-Net discriminator; None to judge by the GAN
            alone, at the size of its images.
        **inversion: Arguments of `LatentInverter` that replace the recipe's.

    Returns:
        detector: `OneClassDetector`.

    Raises:
        UserError: If the method is unknown.
    """
    recipe = recipes.recipe_of(method)
    defaults = dataclasses.asdict(recipe.inversion)
    return OneClassDetector(
        gan,
        LatentInverter(gan.generate, **{**defaults, **inversion}),
        field=field,
        alpha=alpha,
        whiten=recipe.whiten,
        score_parts=recipe.score_parts,
    )
