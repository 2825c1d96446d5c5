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
from ganad_tf.data.tiles import TileGrid
from ganad_tf.detector.band_statistics import WINDOW_SIGMA
from ganad_tf.detector.band_statistics import BandStatistics
from ganad_tf.detector.calibration import TIE_TOLERANCE
from ganad_tf.detector.calibration import ConformalCalibrator
from ganad_tf.detector.latent_energies import relative_energies
from ganad_tf.detector.latent_statistics import LatentGaussian
from ganad_tf.detector.residual_statistics import MIN_EXPLAINED
from ganad_tf.detector.residual_statistics import SIGMAS
from ganad_tf.detector.residual_statistics import ResidualStatistics
from ganad_tf.detector.residual_statistics import choose_sigma
from ganad_tf.detector.residual_statistics import explained_variances
from ganad_tf.detector.residual_statistics import gaussian_blur
from ganad_tf.detector.residual_statistics import mean_of_largest
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.inversion import PAPER_INVERSION
from ganad_tf.gan.inversion import LatentInverter

SCORE_PARTS = ("frechet_scores", "reconstruction_errors")
TEXTURE_PARTS = (*SCORE_PARTS, "band_energies")
# For tiles whose latents do not hold every pixel of a qualified texture.
TILE_PARTS = ("frechet_scores", "band_energies")
# Quantile of qualified images at which the parts of the score weigh the same.
TAIL = 0.95
# Quantile of qualified pixels that is 1 in an anomaly map.
PIXEL_TAIL = 0.99
# Tiles of one image that the reference is fitted to, spread evenly.
MAX_REFERENCE_TILES = 256
_STATISTICS = (
    "latent_gaussian_",
    "residual_statistics_",
    "band_statistics_",
    "calibrator_",
    "map_calibrator_",
)
# Arguments of the inverter and of the detector.
_METHODS = {
    # Adam's division by small gradients would blow rounding up to 1e-4.
    "joint": (
        {"num_steps": 3, "optimizer": "momentum", "learning_rate": 1.0},
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
    anomaly_maps: Any  # (batch, height, width), 1 is rare in qualified images
    latents: Any  # (batch, latent_dim), or (batch, rows, columns, latent_dim)
    descriptors: Any  # (batch, num_tiles, dim), compared with the reference


class _Field(NamedTuple):
    """The latents of a batch of images, a set for each image."""

    descriptors: tf.Tensor  # (batch, num_tiles, dim), what is compared
    latents: tf.Tensor  # (batch, num_tiles, latent_dim)
    reconstructions: tf.Tensor  # (batch, height, width, channels), stitched


class OneClassDetector:
    """Calls images defective that the qualified images do not explain.

    An image, or each of the tiles that cover it, is inverted to a latent. What
    is compared with the Gaussian of the training images (`frechet_scores`) is

    - of aligned parts, the displacement of the latent from the linear
      projection of the image: what the denoising encoder took for a defect;
    - of whole textures, the latent and that displacement;
    - of tiles, the logarithmic energies of the latent by octaves of
      components, relative to the image's own medians; the score is the mean
      of the most unusual hundredth of the tiles;
    - of the plain DCGAN, the latent.

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
        score_parts: Which of `TEXTURE_PARTS` make up the anomaly score; those
            of the kind of images by default. Residuals of tiles only count
            where `fit` finds that held-out qualified images are reconstructed
            to the finest scale.
        residual_sigma: Blur of the residual; chosen by `fit` if None.
        alpha: False-alarm rate of the decision, in (0, 1).

    Attributes:
        latent_gaussian_: The reference, fitted to training images.
        residual_statistics_: Fitted to training images.
        band_statistics_: Fitted to training images; unused for aligned parts.
        part_location_: float64 of shape (num_parts,), and
        part_scale_: float64 of shape (num_parts,), median of the logarithm
            of each part over the calibration images, and the distance from
            there to their `TAIL` quantile.
        map_scale_: float64 of shape (num_maps,), what the maps of each kind
            are divided by: their `PIXEL_TAIL` quantile, on average over the
            calibration images, times that of the merged maps.
        calibrator_: Fitted to the calibration images.
        map_calibrator_: Fitted to the largest value of each of their maps: its
            threshold is where a region begins, which a qualified image has
            with a probability of `alpha` at the most.
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
        self._chooses_parts = score_parts is None and not self.grid.is_whole
        self.residual_sigma = residual_sigma
        self.alpha = alpha
        self.residual_statistics_ = ResidualStatistics(aligned=aligned)
        if residual_sigma is not None:
            self.residual_statistics_.sigma = residual_sigma
        self.band_statistics_ = BandStatistics()
        self.latent_gaussian_ = LatentGaussian(whiten=whiten)
        self.calibrator_ = ConformalCalibrator(alpha=alpha)
        self.map_calibrator_ = ConformalCalibrator(alpha=alpha)
        self._compiled = self._compile()

    def _default_parts(self) -> tuple[str, ...]:
        if not self.grid.is_whole:
            return TILE_PARTS
        return SCORE_PARTS if self.aligned else TEXTURE_PARTS

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that are judged."""
        channels = self.gan.generator.output_shape[-1]
        return self.grid.height, self.grid.width, channels

    def _compile(self) -> Callable[[tf.Tensor], Detection]:
        """`detect` as one graph, traced once for every batch size."""
        images = tf.TensorSpec([None, *self.image_shape])
        return tf.function(self.detect, input_signature=[images])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this detector, `gan` aside."""
        return {
            "inverter": self.inverter.get_config(),
            "aligned": self.aligned,
            "grid": self.grid.get_config(),
            "whiten": self.whiten,
            "score_parts": list(self.score_parts),
            "residual_sigma": self.residual_statistics_.sigma,
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
                    "map_threshold": self.map_calibrator_.threshold_,
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
            "map_scale_": self.map_scale_,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], gan: DCGAN
    ) -> OneClassDetector:
        """Makes the unfitted detector that `get_config` describes."""
        inverter = LatentInverter(gan.generate, **config["inverter"])
        arguments = (
            "aligned",
            "whiten",
            "score_parts",
            "residual_sigma",
            "alpha",
        )
        return cls(
            gan,
            inverter,
            grid=TileGrid(**config["grid"]),
            **{name: config[name] for name in arguments},
        )

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
        detector = cls.from_config(config, gan)
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
                [-1, 1]. Iterated over up to three times.
            calibration_batches: Batches of qualified images that nothing was
                trained on. Iterated over up to three times.

        Returns:
            The detector itself.

        Raises:
            ValueError: If there are too few calibration images for `alpha`.
        """
        # Graphs traced before hold the constants of an earlier fit.
        self._compiled = self._compile()
        field_of = tf.function(self._field)
        self._choose_by_reconstruction(calibration_batches, field_of)
        descriptors = []

        def reconstructed():
            for images in training_batches:
                field = field_of(images)
                descriptors.append(_thinned(field.descriptors))
                yield images, field.reconstructions

        self.residual_statistics_.fit(reconstructed())
        self.latent_gaussian_.fit(np.concatenate(descriptors))
        if "band_energies" in self.score_parts:
            self.band_statistics_.fit(training_batches)
        logging.info(
            "Fitted the statistics of %d training latents.",
            self.latent_gaussian_.num_latents_,
        )
        return self._calibrate(calibration_batches)

    def _choose_by_reconstruction(self, batches, field_of) -> None:
        """Chooses what of the residuals counts, by one pass of inversions."""
        chooses_sigma = self.aligned and self.residual_sigma is None
        if not (chooses_sigma or self._chooses_parts):
            return
        shares = explained_variances(
            (images, field_of(images).reconstructions) for images in batches
        )
        if chooses_sigma:
            self._choose_residual_sigma(shares)
        if self._chooses_parts:
            self._choose_tile_parts(shares)

    def _choose_residual_sigma(self, shares: dict[float, float]) -> None:
        """Judges residuals from the finest scale on that is reconstructed."""
        self.residual_statistics_.sigma = choose_sigma(shares)
        logging.info(
            "Residuals are judged from a blur of %g px on: of the held-out "
            "qualified images' variance, the reconstructions explain %s.",
            self.residual_statistics_.sigma,
            ", ".join(
                f"{100 * share:.1f} % at {sigma:g} to {2 * sigma:g} px"
                for sigma, share in shares.items()
            ),
        )

    def _choose_tile_parts(self, shares: dict[float, float]) -> None:
        """Lets residuals of tiles count if the latents hold every pixel."""
        share = shares[SIGMAS[0]]
        counts = share >= MIN_EXPLAINED
        self.score_parts = TEXTURE_PARTS if counts else TILE_PARTS
        logging.info(
            "Residuals of tiles %s: of the held-out qualified images' "
            "variance, the reconstructions explain %.1f %% at the finest "
            "scale, where %.1f %% are asked for.",
            "count" if counts else "do not count",
            100 * share,
            100 * MIN_EXPLAINED,
        )

    def _calibrate(self, batches) -> OneClassDetector:
        measured = tf.function(self._measured)
        parts, tails = [], []
        for images in batches:
            batch_parts, maps, _ = measured(images)
            parts.append(batch_parts)
            tails.append(np.quantile(maps, PIXEL_TAIL, axis=(1, 2)))
        parts = np.concatenate(parts)
        self.part_location_, tail = np.quantile(parts, [0.5, TAIL], axis=0)
        self.part_scale_ = tail - self.part_location_ + 1e-6
        self.map_scale_ = np.concatenate(tails).mean(axis=0) + 1e-6
        self.calibrator_.fit(np.asarray(self._fused(tf.constant(parts))))
        self._calibrate_maps(batches)
        logging.info(
            "Calibrated by %d held-out images: threshold %.4g at alpha %g.",
            len(parts),
            self.calibrator_.threshold_,
            self.alpha,
        )
        return self

    def _calibrate_maps(self, batches) -> None:
        """Scales the merged maps, and finds where a region begins."""
        peaks, tails = [], []
        for images in batches:
            maps = self._compiled(images).anomaly_maps.numpy()
            peaks.append(maps.max(axis=(1, 2)))
            tails.append(np.quantile(maps, PIXEL_TAIL, axis=(1, 2)))
        level = np.concatenate(tails).mean() + 1e-6
        self.map_scale_ *= level
        self.map_calibrator_.fit(np.concatenate(peaks) / level)
        self._compiled = self._compile()  # the graph holds the scale

    def _field(self, images: tf.Tensor) -> _Field:
        """Latents and reconstructions of the tiles, a row of tiles at a time.

        So the memory of the networks does not grow with the images' height.
        """
        if self.grid.is_whole:
            latents, displacements, reconstructions = self._inverted(images)
            descriptors = self._compared(latents, displacements)
            return _Field(
                descriptors[:, None], latents[:, None], reconstructions
            )
        tiles = self.grid.split(images)
        num_rows, num_columns, *tile = tiles.shape[1:]
        rows = tf.transpose(tiles, [1, 0, 2, 3, 4, 5])
        rows = tf.reshape(rows, [num_rows, -1, *tile])
        dim = self.gan.latent_dim

        def inverted(row):
            latents, _, reconstructions = self._inverted(row)
            return latents, reconstructions

        latents, reconstructions = tf.map_fn(
            inverted,
            rows,
            fn_output_signature=(
                tf.TensorSpec([None, dim]),
                tf.TensorSpec([None, *tile]),
            ),
            parallel_iterations=1,
        )

        def by_image(values, *shape):
            values = tf.reshape(values, [num_rows, -1, num_columns, *shape])
            order = [1, 0, 2, *range(3, 3 + len(shape))]
            return tf.transpose(values, order)

        latents = by_image(latents, dim)
        latents = tf.reshape(latents, [-1, num_rows * num_columns, dim])
        return _Field(
            relative_energies(latents),
            latents,
            self.grid.stitch(by_image(reconstructions, *tile)),
        )

    def _inverted(self, images: tf.Tensor):
        """Latents, their displacements from the projection, reconstructions."""
        if self.gan.encoder is None:
            start = self.gan.encode(images)
            latents, reconstructions, *_ = self.inverter.invert(images, start)
            return latents, latents, reconstructions
        # The encoder's correction by itself, and not as the difference of two
        # longer vectors, so that rounding stays small where it is short.
        correction = self.gan.correct(images)
        start = self.gan.project(images) + correction
        latents, reconstructions, *_ = self.inverter.invert(images, start)
        return latents, start - latents - correction, reconstructions

    def _compared(self, latents, displacements) -> tf.Tensor:
        """What of whole images is compared with the reference."""
        if self.aligned or self.gan.encoder is None:
            return displacements
        return tf.concat([latents, displacements], axis=-1)

    def reference_latents(self, images: tf.Tensor) -> tf.Tensor:
        """The latents that are compared with the reference: (n, dim)."""
        descriptors = self._field(images).descriptors
        return tf.reshape(descriptors, [-1, descriptors.shape[-1]])

    def generated_latents(self, num_latents: int, *, seed) -> tf.Tensor:
        """`reference_latents` of generated images, or of one image's tiles.

        Args:
            num_latents: How many latents are drawn.
            seed: Integers of shape (2,).

        Returns:
            latents: float32 of shape (num_latents, dim).
        """
        drawn = self.gan.sample_latents(num_latents, seed=seed)
        latents, displaced, _ = self._inverted(self.gan.generate(drawn))
        if self.grid.is_whole:
            return self._compared(latents, displaced)
        return relative_energies(latents[None])[0]

    def _frechet_distances(self, descriptors: tf.Tensor) -> tf.Tensor:
        """`LatentGaussian.frechet_scores` as TensorFlow ops, for each tile."""
        gaussian = self.latent_gaussian_
        offsets = descriptors - gaussian.location_.astype(np.float32)
        whitening = tf.constant(gaussian.whitening_.astype(np.float32))
        whitened = tf.tensordot(offsets, whitening, 1)
        return tf.reduce_sum(whitened**2, axis=-1) + gaussian.spread_

    def _measured(self, images: tf.Tensor):
        """The score's parts and the maps as measured, before their scaling.

        Returns:
            parts: Logarithms of shape (batch, num_parts).
            maps: float32 of shape (batch, height, width, num_maps).
            rest: Fields of `Detection` by name.
        """
        field = self._field(images)
        distances = self._frechet_distances(field.descriptors)
        residual_map = self.residual_statistics_.anomaly_maps(
            images, field.reconstructions
        )
        scores = {
            "frechet_scores": mean_of_largest(distances),
            "reconstruction_errors": (
                self.residual_statistics_.reconstruction_errors(residual_map)
            ),
        }
        rest = {
            **scores,
            "reconstructions": field.reconstructions,
            "latents": self._latents_of(field),
            "descriptors": field.descriptors,
        }
        maps = []
        if self.grid.is_whole or "reconstruction_errors" in self.score_parts:
            maps.append(residual_map)
        if not self.grid.is_whole:
            maps.append(self._frechet_map(distances))
        if "band_energies" in self.score_parts:
            maps.append(self.band_statistics_.anomaly_maps(images))
            scores["band_energies"] = self.band_statistics_.band_energies(
                maps[-1]
            )
        parts = [tf.math.log(scores[name] + 1e-6) for name in self.score_parts]
        return tf.stack(parts, axis=1), tf.stack(maps, axis=-1), rest

    def _latents_of(self, field: _Field) -> tf.Tensor:
        grid, dim = self.grid, self.gan.latent_dim
        if grid.is_whole:
            return field.latents[:, 0]
        return tf.reshape(
            field.latents, [-1, grid.num_rows, grid.num_columns, dim]
        )

    def _frechet_map(self, distances: tf.Tensor) -> tf.Tensor:
        """Local Fréchet distances, a pixel that of the tiles around it."""
        grid = self.grid
        tile = [grid.tile_size, grid.tile_size, 1]
        shape = [-1, grid.num_rows, grid.num_columns, 1, 1, 1]
        tiles = tf.reshape(distances, shape) * tf.ones(tile)
        return grid.stitch(tiles)[..., 0]

    def _anomaly_maps(self, maps: tf.Tensor) -> tf.Tensor:
        """The maps of all kinds as one: 1 is rare in qualified images."""
        scaled = maps / tf.constant(self.map_scale_, tf.float32)
        merged = tf.reduce_mean(scaled, axis=-1, keepdims=True)
        if not self.aligned:
            sigma = WINDOW_SIGMA  # as of the band energies
            if not self.grid.is_whole:
                sigma = float(self.grid.tile_size)
            merged = gaussian_blur(merged, sigma=sigma)
        return merged[..., 0]

    def _fused(self, parts: tf.Tensor) -> tf.Tensor:
        """The mean of how far out the parts are among qualified images."""
        location = tf.constant(self.part_location_, tf.float32)
        scale = tf.constant(self.part_scale_, tf.float32)
        mean = tf.reduce_mean((parts - location) / scale, axis=1)
        # Positive, so that rounding stays small against every score.
        return tf.math.softplus(mean)

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
        parts, maps, rest = self._measured(images)
        anomaly_scores = self._fused(parts)
        p_values = self._p_values(anomaly_scores)
        return Detection(
            anomaly_scores=anomaly_scores,
            p_values=tf.cast(p_values, tf.float32),
            is_defective=p_values <= self.alpha + 1e-9,
            anomaly_maps=self._anomaly_maps(maps),
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


def _thinned(descriptors: tf.Tensor) -> np.ndarray:
    """Descriptors (n, dim) of some tiles of each image."""
    step = -(-descriptors.shape[1] // MAX_REFERENCE_TILES)
    chosen = descriptors.numpy()[:, ::step]
    return chosen.reshape(-1, chosen.shape[-1])


def for_method(
    gan: DCGAN,
    *,
    method: str,
    aligned: bool,
    alpha: float,
    grid: TileGrid | None = None,
    **inversion: Any,
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
        grid: How the networks' images cover the images; None for whole ones.
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
    if grid is not None and not grid.is_whole:
        # Thousands of tiles an image: the encoder's latents stand.
        defaults = {**defaults, "num_steps": 0}
    inverter = LatentInverter(gan.generate, **{**defaults, **inversion})
    return OneClassDetector(
        gan, inverter, aligned=aligned, alpha=alpha, grid=grid, **options
    )
