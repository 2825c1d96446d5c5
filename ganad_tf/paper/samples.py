"""Samples of the paper's tables and figures: images, or one tile of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganad_tf import progress
from ganad_tf import recipes
from ganad_tf.data.dataset import ImageFile
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.gan.inversion import InversionResult
from ganad_tf.gan.inversion import LatentInverter

# Steps of descent towards latents that are called optimised.
NUM_OPTIMISING_STEPS = 100
BATCH_SIZE = 64


class Samples(NamedTuple):
    """One sample of each image, of the networks' size."""

    images: np.ndarray  # (n, size, size, channels) in [-1, 1]
    corners: np.ndarray  # (n, 2) row and column of the upper left pixels
    descriptors: np.ndarray  # (n, dim), compared with the reference


class Sampler:
    """Takes samples of a data set, and inverts them.

    Where images are judged whole, a sample is an image. Where they are judged
    by tiles, it is one tile of each image: the central one, which stands for
    the texture, or the most unusual one, which a defect has to be in.

    Args:
        assessor: `Assessor` of the fitted detector.
    """

    def __init__(self, assessor: Assessor):
        self.assessor = assessor
        self.detector = assessor.detector
        self.gan = assessor.detector.gan
        self.grid = assessor.detector.grid
        self._reference_latents = tf.function(self.detector.reference_latents)
        ours = self.detector.inverter.get_config()
        self._inverters = {
            "paper": LatentInverter(
                self.gan.generate, **dataclasses.asdict(recipes.PAPER.inversion)
            ),
            "detector": self.detector.inverter,
            "optimised": LatentInverter(
                self.gan.generate,
                **{**ours, "num_steps": NUM_OPTIMISING_STEPS},
            ),
        }

    @property
    def size(self) -> int:
        """Side of a sample in pixels."""
        return self.gan.generator.output_shape[1]

    def central(self, files: Sequence[ImageFile]) -> np.ndarray:
        """The images, or the tile in the middle of each."""
        grid = self.grid
        middle = np.array([[grid.num_rows // 2, grid.num_columns // 2]])
        middle *= grid.stride
        return np.concatenate(
            [
                crops(images, middle.repeat(len(images), 0), self.size)
                for images in self.assessor.batches(files).as_numpy_iterator()
            ]
        )

    def samples(self, files: Sequence[ImageFile]) -> tuple[Samples, Samples]:
        """The samples of files, a batch of images in memory at a time.

        Args:
            files: At least one.

        Returns:
            central: The images, or the tile in the middle of each.
            unusual: The images, or of each the tile whose latents lie
                farthest from the reference.
        """
        batches = progress.LoggedBatches(
            self.assessor.batches(files), total=len(files), what="Read samples"
        )
        pairs = [self._samples_of(images) for images in batches]
        return tuple(
            Samples(*map(np.concatenate, zip(*parts, strict=True)))
            for parts in zip(*pairs, strict=True)
        )

    def _samples_of(self, images: tf.Tensor) -> tuple[Samples, Samples]:
        grid, count = self.grid, len(images)
        descriptors = self._reference_latents(images).numpy()
        descriptors = descriptors.reshape(count, -1, descriptors.shape[-1])
        distances = self.detector.latent_gaussian_.squared_mahalanobis(
            descriptors.reshape(-1, descriptors.shape[-1])
        )
        middle = grid.num_rows // 2 * grid.num_columns + grid.num_columns // 2
        return tuple(
            self._chosen(images.numpy(), descriptors, tiles)
            for tiles in (
                np.full(count, middle),
                distances.reshape(count, -1).argmax(axis=1),
            )
        )

    def _chosen(self, images, descriptors, tiles: np.ndarray) -> Samples:
        """One tile of each image, by its number."""
        places = np.stack(np.divmod(tiles, self.grid.num_columns), axis=1)
        corners = places * self.grid.stride
        return Samples(
            crops(images, corners, self.size),
            corners,
            descriptors[np.arange(len(tiles)), tiles],
        )

    def generated(self, count: int) -> np.ndarray:
        """Images of random latents: (count, size, size, channels)."""
        latents = self.gan.sample_latents(count, seed=[self.assessor.seed, 1])
        return self.gan.generate(latents).numpy()

    def invert(self, images: np.ndarray, what: str, *, by: str):
        """Inverts samples.

        Args:
            images: Floats of shape (n, size, size, channels) in [-1, 1].
            what: They are, for the progress.
            by: "paper": plain gradient descent from the prior's mean;
                "detector": as the detector does it; "optimised": the same
                with `NUM_OPTIMISING_STEPS` steps.

        Returns:
            result: `InversionResult` of arrays.
        """
        results = []
        for batch in progress.LoggedBatches(
            np.array_split(images, -(-len(images) // BATCH_SIZE)),
            total=len(images),
            what=f"Inverted {what} samples",
        ):
            batch = tf.constant(batch)
            start = self.gan.encode(batch)
            if by == "paper":
                start = tf.zeros_like(start)
            results.append(self._inverters[by].invert(batch, start))
        return InversionResult(*map(np.concatenate, zip(*results, strict=True)))


def crops(images: np.ndarray, corners: np.ndarray, size: int) -> np.ndarray:
    """A square of each image.

    Args:
        images: Array of shape (n, height, width, ...).
        corners: Integers of shape (n, 2), the upper left pixels.
        size: Side of the squares in pixels.

    Returns:
        squares: Array of shape (n, size, size, ...).

    Example:
    >>> crops(np.arange(16).reshape(1, 4, 4), np.array([[1, 2]]), 2).tolist()
    [[[6, 7], [10, 11]]]
    """
    return np.stack(
        [
            image[row : row + size, column : column + size]
            for image, (row, column) in zip(images, corners, strict=True)
        ]
    )
