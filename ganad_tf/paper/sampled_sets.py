"""The sets of samples that the paper's tables and figures compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganad_tf.data.dataset import ImageFile
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.gan.inversion import InversionResult
from ganad_tf.paper.samples import Sampler
from ganad_tf.paper.samples import Samples

NUM_REFERENCE = 512  # training images that the reference is fitted to
NUM_OF_SET = 256  # images of each further set
TRAINING, HELD_OUT = "training", "held-out qualified"
GENERATED = "generated"


def evenly_spaced(files: Sequence[ImageFile], count: int) -> list[ImageFile]:
    """At most `count` of the files, evenly spaced.

    Example:
    >>> evenly_spaced("abcdefg", 3)
    ['a', 'd', 'g']
    """
    rows = np.linspace(0, len(files) - 1, min(len(files), count))
    return [files[row] for row in rows.astype(int)]


class SampledSets:
    """Samples of each set of images, each read and inverted once.

    A set is `TRAINING`, `HELD_OUT`, `GENERATED` or a defect type. A way to
    invert is "paper" or "detector", as `Sampler.invert` takes it.

    Args:
        assessor: `Assessor` of the fitted detector.

    Attributes:
        sampler: The `Sampler` that reads and inverts.
        test_qualified: Qualified images that neither the networks nor, where
            there are enough, the calibration have seen.
        by_type: The defective test images of each defect type.
    """

    def __init__(self, assessor: Assessor):
        self._detector = assessor.detector
        self._seed = assessor.seed
        self.sampler = Sampler(assessor)
        split = assessor.split
        self.test_qualified = split.test_qualified or split.calibration
        self.by_type: dict[str, list[ImageFile]] = {}
        for file in split.test_defective:
            self.by_type.setdefault(file.defect_type, []).append(file)
        self._files = {
            TRAINING: evenly_spaced(split.train, NUM_REFERENCE),
            HELD_OUT: evenly_spaced(self.test_qualified, NUM_OF_SET),
        }
        self._samples: dict[str, Samples] = {}
        self._inversions: dict[tuple[str, str], InversionResult] = {}

    def samples(self, name: str) -> Samples:
        """The `Samples` of a set of files, by its name; read once."""
        if name not in self._samples:
            files = self._files.get(name)
            files = files or evenly_spaced(self.by_type[name], NUM_OF_SET)
            self._samples[name] = self.sampler.samples(files)
        return self._samples[name]

    def inversion(self, name: str, *, by: str) -> InversionResult:
        """The inversion of a set's samples, run once.

        Args:
            name: Of the set.
            by: Way to invert.

        Returns:
            result: `InversionResult` of arrays.
        """
        key = name, by
        if key not in self._inversions:
            images = (
                self.sampler.generated(NUM_OF_SET)
                if name == GENERATED
                else self.samples(name).images
            )
            self._inversions[key] = self.sampler.invert(images, name, by=by)
        return self._inversions[key]

    def descriptors(self, name: str, *, by: str) -> np.ndarray:
        """What the Fréchet distance compares of a set.

        Args:
            name: Of the set.
            by: Way to invert; the paper compares plain latents.

        Returns:
            descriptors: Floats of shape (n, dim).
        """
        if by == "paper":
            return self.inversion(name, by=by).latents
        if name == GENERATED:
            return self._detector.generated_latents(
                NUM_OF_SET, seed=[self._seed, 1]
            ).numpy()
        return self.samples(name).descriptors
