"""All that a detector learns of its training images, as sums that add up."""

from __future__ import annotations

import copy
from collections.abc import Iterable
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


def merged(parts: Iterable[TrainingSums]) -> TrainingSums:
    """The sums of several parts, which stay as they are.

    Args:
        parts: At least one.

    Returns:
        sums: `TrainingSums`.
    """
    first, *others = parts
    total = copy.deepcopy(first)
    for part in others:
        total.merge(part)
    return total
