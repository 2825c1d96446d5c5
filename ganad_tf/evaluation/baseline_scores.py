"""Baseline scores: the baselines on the images of files."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from absl import logging

from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.data import image_tensors
from ganad_tf.evaluation import baselines

# Training images that the baselines are fitted to at the most; of more, a
# random sample is drawn.
MAX_IMAGES = 2000
# The same for images at their native resolution, and the side in pixels of a
# square that is as large as they may be.
MAX_NATIVE_IMAGES = 500
MAX_NATIVE_SIZE = 512
# Longest short side in pixels of images for the baselines.
MAX_SHORT_SIDE = 64


class BaselineScorer:
    """Fits the baselines to training images, and scores files by them.

    Args:
        train: `ImageFile`s of the training images, at least one.
        channels: Of the images, 1 or 3.
        seed: Of what is random in the baselines.
    """

    def __init__(
        self,
        train: Sequence[dataset.ImageFile],
        *,
        channels: int,
        seed: int,
    ):
        self._train = train
        # At this size baselines see images, except for those that want them at
        # their native resolution.
        self._image_size = reduced_size([file.path for file in train])
        self._channels = channels
        self._seed = seed

    def scores(
        self, *sets: Sequence[dataset.ImageFile]
    ) -> dict[str, tuple[np.ndarray, ...]]:
        """Scores of every baseline, in memory bounded by the training images.

        Args:
            *sets: `ImageFile`s of each set of images.

        Returns:
            scores: For each baseline, floats of shape (n,) for each set.
        """
        methods = baselines.make_baselines(
            num_images=_num_fitted(len(self._train), native=False),
            seed=self._seed,
        )
        scores = {}
        for native in (False, True):
            chosen = {n: b for n, b in methods.items() if b.native == native}
            size = self._native_size() if native else self._image_size
            self._fit(chosen, size, _num_fitted(len(self._train), native))
            of_sets = [self._score_files(chosen, files, size) for files in sets]
            scores |= {n: tuple(s[n] for s in of_sets) for n in chosen}
            logging.info("Scored the baselines %s.", ", ".join(chosen))
        return {name: scores[name] for name in methods}

    def _fit(self, fitted, size: image_files.ImageSize, count: int) -> None:
        generator = np.random.default_rng(self._seed)
        rows = generator.choice(len(self._train), count, replace=False)
        train = image_tensors.load_images(
            [self._train[row].path for row in sorted(rows)],
            image_size=size,
            channels=self._channels,
        )
        for baseline in fitted.values():
            baseline.fit(train)

    def _score_files(self, fitted, files, size) -> dict[str, np.ndarray]:
        batches = image_tensors.image_dataset(
            [file.path for file in files],
            image_size=size,
            channels=self._channels,
        )
        columns = [
            [baseline.anomaly_scores(batch) for baseline in fitted.values()]
            for batch in batches.as_numpy_iterator()
        ]
        scores = map(np.concatenate, zip(*columns, strict=True))
        return dict(zip(fitted, scores, strict=True))

    def _native_size(self) -> tuple[int, int]:
        """The size of most images, at their own aspect, bounded by its area."""
        height, width = image_tensors.median_size([f.path for f in self._train])
        factor = min(1.0, MAX_NATIVE_SIZE / math.sqrt(height * width))
        return round(factor * height), round(factor * width)


def num_fitted(num_train: int) -> dict[str, int]:
    """How many training images each baseline is fitted to.

    Args:
        num_train: Training images; of more than the limit a random sample is
            drawn, by the seed.

    Returns:
        counts: By the name of the baseline.

    Example:
    >>> counts = num_fitted(600)
    >>> counts["gmm"], counts["laplacian_energy"]
    (600, 500)
    """
    methods = baselines.make_baselines(num_images=num_train, seed=0)
    return {
        name: _num_fitted(num_train, baseline.native)
        for name, baseline in methods.items()
    }


def _num_fitted(num_train: int, native: bool) -> int:
    return min(num_train, MAX_NATIVE_IMAGES if native else MAX_IMAGES)


def reduced_size(paths: Sequence[str]) -> tuple[int, int]:
    """The size of most images, reduced at its own aspect.

    Args:
        paths: Readable image files, at least one.

    Returns:
        size: (height, width) in pixels, of which the shorter one is at most
            `MAX_SHORT_SIDE`.
    """
    height, width = image_tensors.median_size(paths)
    factor = min(1.0, MAX_SHORT_SIDE / min(height, width))
    return round(factor * height), round(factor * width)
