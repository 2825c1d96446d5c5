"""The detector: its graph, with fitting, saving and loading."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from ganad_tf import recipes
from ganad_tf.data.tiles import TileGrid
from ganad_tf.detector import fitting
from ganad_tf.detector import storage
from ganad_tf.detector.graph import DetectorGraph
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.inversion import LatentInverter


class OneClassDetector(DetectorGraph):
    """Calls images defective that the qualified images do not explain.

    An image, or each of the tiles that cover it, is inverted to a latent,
    whose descriptors (`FieldInverter`) are compared with the Gaussian of the
    training images (`frechet_scores`; of tiles, the mean of the most unusual
    hundredth).

    The residual is compared with the residuals of the training images
    (`reconstruction_errors`), and the local band energies of textures with
    theirs. The logarithm of each part is standardised by the median and the
    upper tail of held-out qualified images; their mean, by softplus made
    positive, is the `anomaly_scores` (0.69 at the median, 1.31 at the tail),
    which the same images turn into p-values.

    Args:
        gan: A trained `DCGAN`.
        inverter: Its `LatentInverter`.
        aligned: Whether every image shows the same part in the same place.
        grid: How the networks' images cover the images; None for whole ones.
        whiten: Whether the Fréchet distance is taken in the whitened space of
            the reference.
        score_parts: Which of `graph.TEXTURE_PARTS` make up the anomaly score;
            those of the kind of images by default. Residuals of tiles only
            count where `fit` finds that held-out qualified images are
            reconstructed to the finest scale.
        residual_sigma: Blur of the residual in pixels; chosen by `fit` if
            None.
        alpha: False-alarm rate of the decision, in (0, 1).

    Attributes:
        latent_gaussian_: The reference, fitted to training images.
        residual_statistics_: Fitted to training images.
        band_statistics_: Fitted to training images; unused for aligned parts.
        part_location_: float64 of shape (num_parts,), median of the logarithm
            of each part over the calibration images.
        part_scale_: float64 of shape (num_parts,), distance from there to
            their `fitting.TAIL` quantile.
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
        cls, config: dict[str, Any], gan: DCGAN
    ) -> OneClassDetector:
        """Makes the unfitted detector that `get_config` describes."""
        arguments = (
            "aligned",
            "whiten",
            "score_parts",
            "residual_sigma",
            "alpha",
        )
        return cls(
            gan,
            LatentInverter(gan.generate, **config["inverter"]),
            grid=TileGrid(**config["grid"]),
            **{name: config[name] for name in arguments},
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
                [-1, 1]. Iterated over once; for textures three times.
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
        """
        storage.save(self, path)

    @classmethod
    def load(cls, path: str, gan: DCGAN) -> OneClassDetector:
        """Reads a detector that `save` wrote.

        Args:
            path: The folder.
            gan: The same trained GAN it was fitted with.

        Returns:
            The fitted detector.

        Raises:
            UserError: If there is none, or its files are broken.
        """
        detector = cls.from_config(storage.read_config(path), gan)
        storage.restore_statistics(detector, path)
        return detector


def for_method(
    gan: DCGAN,
    *,
    method: str,
    aligned: bool,
    alpha: float,
    grid: TileGrid | None = None,
    **inversion: Any,
) -> OneClassDetector:
    """Makes the unfitted detector that belongs to a method's recipe.

    Args:
        gan: A trained `DCGAN`.
        method: "joint": descent from the encoder's latent, whitened Fréchet
            distance, fused score. "paper" (Lai et al. 2018): plain gradient
            descent from the prior's mean, Fréchet distance in the latents' own
            space, which alone decides.
        aligned: Whether every image shows the same part in the same place.
        alpha: False-alarm rate, in (0, 1).
        grid: How the networks' images cover the images; None for whole ones.
        **inversion: Arguments of `LatentInverter` that replace the recipe's.

    Returns:
        detector: `OneClassDetector`.

    Raises:
        UserError: If the method is unknown.
    """
    recipe = recipes.recipe_of(method)
    defaults = dataclasses.asdict(recipe.inversion)
    if grid is not None and not grid.is_whole:
        defaults["num_steps"] = recipe.tile_num_steps
    return OneClassDetector(
        gan,
        LatentInverter(gan.generate, **{**defaults, **inversion}),
        aligned=aligned,
        alpha=alpha,
        grid=grid,
        whiten=recipe.whiten,
        score_parts=recipe.score_parts,
    )
