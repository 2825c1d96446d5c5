"""Figures 7 and 8: the straight line between the latents of two samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ganad_tf.data.dataset import ImageFile
from ganad_tf.paper import measures
from ganad_tf.paper import pictures
from ganad_tf.paper import words
from ganad_tf.paper.sampled_sets import NUM_OF_SET
from ganad_tf.paper.sampled_sets import evenly_spaced
from ganad_tf.paper.samples import Sampler
from ganad_tf.paper.section import Section
from ganad_tf.paper.section import agreement

NUM_PATH = 64  # images of the line, its ends included
NUM_CANDIDATES = 40  # images of which the two that differ most are taken


class Interpolator:
    """Interpolates between two samples, and measures how smooth that is.

    Args:
        sampler: Of the samples.
        held_out: Qualified images that the networks have not seen.
    """

    def __init__(self, sampler: Sampler, held_out: Sequence[ImageFile]):
        self._sampler = sampler
        self._held_out = held_out

    def section(
        self, number: int, kind: str, files: Sequence[ImageFile]
    ) -> Section:
        """Fig. 7 or 8.

        Args:
            number: Of the figure.
            kind: "qualified" or "defective".
            files: At least two; of some of them, those that differ most are
                interpolated.

        Returns:
            section: `Section`.
        """
        pair, ends = self._pair(files)
        path = self.path(ends)
        logits = self._logits(path)
        real_range = self._range_of_real()
        smoothness = measures.smoothness(path, logits)
        low, high = real_range
        convex = smoothness.dip <= 0.1 * (high - low)
        inside = float(np.mean((logits >= low) & (logits <= high)))
        smooth = smoothness.largest_step < 2.0
        return Section(
            f"figure_{number}",
            f"Figure {number}: interpolation between two {kind} images",
            f"Top: {pair[0]} and {pair[1]}, which differ most among "
            f"{min(len(files), NUM_CANDIDATES)} {kind} images. Below: "
            f"{NUM_PATH} images on the straight line between their latents; "
            "the first and the last are their reconstructions.",
            f"{NUM_PATH} images on a straight line between the optimised "
            f"latents of two {kind} images change smoothly and all look like "
            "parts: the paper takes the latent space for convex.",
            agreement(smooth + convex + (inside >= 0.5), 3),
            words.interpolation(
                smoothness,
                inside,
                convex=convex,
                linear=self._sampler.gan.linear_head is not None,
            ),
            {
                "images": list(pair),
                "largest_step_over_mean": smoothness.largest_step,
                "path_length_over_distance": smoothness.detour,
                "discriminator_dip": smoothness.dip,
                "discriminator_range_of_real": real_range,
                "share_within_range_of_real": inside,
            },
            pictures.interpolation_png(
                ends, path, logits, smoothness, real_range
            ),
        )

    def _pair(self, files) -> tuple[tuple[str, str], np.ndarray]:
        """Names and samples of the two files that differ most."""
        candidates = evenly_spaced(files, NUM_CANDIDATES)
        samples = self._sampler.load(candidates)
        rows = list(measures.farthest_pair(samples))
        return tuple(candidates[row].name for row in rows), samples[rows]

    def path(self, pair: np.ndarray) -> np.ndarray:
        """Images on the straight line between the latents of two samples.

        Args:
            pair: Floats of shape (2, size, size, channels) in [-1, 1].

        Returns:
            path: float32 of shape (NUM_PATH, size, size, channels).
        """
        ends = self._sampler.invert(pair, "two", by="optimised").latents
        weights = np.linspace(0.0, 1.0, NUM_PATH, dtype=np.float32)[:, None]
        latents = (1.0 - weights) * ends[0] + weights * ends[1]
        return self._sampler.gan.generate(latents).numpy()

    def _logits(self, images: np.ndarray) -> np.ndarray:
        discriminator = self._sampler.gan.discriminator
        return discriminator(tf.constant(images), training=False).numpy()[:, 0]

    def _range_of_real(self) -> tuple[float, float]:
        """Logits that 90 % of held-out qualified samples lie within."""
        real = self._sampler.load(evenly_spaced(self._held_out, NUM_OF_SET))
        ends = np.quantile(self._logits(real), [0.05, 0.95])
        return tuple(float(end) for end in ends)
