"""Samples of the paper's tables and figures."""

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
    """Images of the networks' size, and what is compared of them."""

    images: np.ndarray  # (n, size, size, channels) in [-1, 1]
    descriptors: np.ndarray  # (n, dim), compared with the reference


class Sampler:
    """Takes samples of a data set, and inverts them.

    A sample is an image at the networks' size.

    Args:
        assessor: `Assessor` of the fitted detector.
    """

    def __init__(self, assessor: Assessor):
        self.assessor = assessor
        self.detector = assessor.detector
        self.gan = assessor.detector.gan
        self._describe = tf.function(
            lambda images: (
                self.detector.image_inverter.invert(images).descriptors
            ),
            reduce_retracing=True,
        )
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

    def load(self, files: Sequence[ImageFile]) -> np.ndarray:
        """Loads samples (n, size, size, channels) in [-1, 1] of the files."""
        return self.assessor.load(files, image_size=self.size)

    def samples(self, files: Sequence[ImageFile]) -> Samples:
        """Images of files, and their descriptors.

        Args:
            files: At least one.

        Returns:
            samples: `Samples`.
        """
        images = self.load(files)
        batches = progress.LoggedBatches(
            _batches_of(images), total=len(files), what="Described samples"
        )
        descriptors = [self._describe(tf.constant(b)) for b in batches]
        return Samples(images, np.concatenate(descriptors))

    def generated(self, count: int) -> np.ndarray:
        """Images (count, size, size, channels) of random latents."""
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
            _batches_of(images),
            total=len(images),
            what=f"Inverted {what} samples",
        ):
            batch = tf.constant(batch)
            start = self.gan.encode(batch)
            if by == "paper":
                start = tf.zeros_like(start)
            results.append(self._inverters[by].invert(batch, start))
        return InversionResult(*map(np.concatenate, zip(*results, strict=True)))


def _batches_of(images: np.ndarray) -> list[np.ndarray]:
    return np.array_split(images, -(-len(images) // BATCH_SIZE))
