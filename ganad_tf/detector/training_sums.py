"""All that a detector learns of its training images, as sums that add up."""

from __future__ import annotations

from typing import NamedTuple

from ganad_tf.detector.conditional_field import ConditionalField
from ganad_tf.detector.latent_moments import LatentMoments
from ganad_tf.detector.residual_statistics import ResidualMoments


class TrainingSums(NamedTuple):
    """Sums over training images, of all of them or of a part."""

    residuals: ResidualMoments
    latents: LatentMoments
    fields: dict[str, ConditionalField]  # by level, not finished

    def merge(self, other: TrainingSums) -> TrainingSums:
        """Adds the sums of another part.

        Args:
            other: Of the same detector and of other images, accumulated with
                the number of its first one.

        Returns:
            sums: Of both parts, in this object.
        """
        self.residuals.merge(other.residuals)
        self.latents.merge(other.latents)
        for level, field in self.fields.items():
            field.merge(other.fields[level])
        return self
