"""Near-copies: images of one thing on both sides of a split.

They make a calibration too optimistic: what training images show again is
closer to them than new qualified images are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

import numpy as np
from absl import logging
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from ganad_tf import remote
from ganad_tf.data.dataset import Split
from ganad_tf.data.listing import ImageFile

# Images are compared at this side in pixels, without their leading principal
# components: light and place, which images of different things share.
SIDE = 32
NUM_COMPONENTS = 8
# Fewer components of few images: one would be the copies themselves.
_IMAGES_PER_COMPONENT = 25
# Least correlation of a near-copy. Of nearest neighbours among good images of
# wood and DAGM it is .59 and .80 at most; of images of six sets and their JPEG
# copies .97 at least.
MIN_CORRELATION = 0.93
# Images that are compared at most; of more, a random sample.
MAX_IMAGES = 4096


class NearCopy(NamedTuple):
    """Two images that look like one thing, in different roles."""

    names: tuple[str, str]
    roles: tuple[str, str]  # "train", "calibration" or "test"
    correlation: float


def find_near_copies(split: Split, *, seed: int) -> list[NearCopy]:
    """Finds near-copies among qualified images of different roles.

    Args:
        split: `Split` of readable images.
        seed: Of the sample where there are more than `MAX_IMAGES`.

    Returns:
        pairs: `NearCopy`s, the most alike first.
    """
    roles = _roles(split)
    return [
        NearCopy(
            (first.name, second.name),
            (roles[first], roles[second]),
            correlation,
        )
        for first, second, correlation in correlated_files(roles, seed=seed)
        if roles[first] != roles[second]
    ]


def correlated_files(
    files: Iterable[ImageFile], *, seed: int
) -> list[tuple[ImageFile, ImageFile, float]]:
    """Finds pairs of images that look like one thing.

    Args:
        files: Readable images, at least one.
        seed: Of the sample where there are more than `MAX_IMAGES`.

    Returns:
        pairs: Two files and their correlation, the most alike first.
    """
    files = list(files)
    if len(files) > MAX_IMAGES:
        logging.info(
            "Near-copies are looked for among %d of %d images, drawn at "
            "random.",
            MAX_IMAGES,
            len(files),
        )
        generator = np.random.default_rng(seed)
        drawn = generator.choice(len(files), MAX_IMAGES, replace=False)
        files = [files[row] for row in drawn]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        images = np.stack(list(pool.map(_small_image, files)))
    pairs = [
        (files[row], files[other], round(float(correlation), 3))
        for row, other, correlation in correlated_pairs(images)
    ]
    return sorted(
        pairs, key=lambda pair: (-pair[2], pair[0].name, pair[1].name)
    )


def _roles(split: Split) -> dict[ImageFile, str]:
    parts = {
        "train": split.train,
        "calibration": split.calibration,
        "test": split.test_qualified,
    }
    return {file: role for role, files in parts.items() for file in files}


def _small_image(file: ImageFile) -> np.ndarray:
    """Gray values of a file, reduced: float32 of shape (SIDE, SIDE)."""
    with remote.open_file(file.path) as content, Image.open(content) as image:
        if image.mode.startswith("I"):  # 16 bit, which "L" would cut off
            gray = Image.fromarray(np.asarray(image).astype(np.float32))
        else:
            gray = image.convert("L")
        small = gray.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def correlated_pairs(images: np.ndarray) -> list[tuple[int, int, float]]:
    """Pairs of images that are alike beyond what all images share.

    Args:
        images: Floats of shape (n, height, width), n at least 1.

    Returns:
        pairs: Two rows, the lower first, and the correlation of their pixels
            without the leading principal components, at least
            `MIN_CORRELATION`.
    """
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels -= pixels.mean(axis=1, keepdims=True)
    pixels /= pixels.std(axis=1, keepdims=True) + 1e-3
    pixels -= pixels.mean(axis=0)
    rank = min(NUM_COMPONENTS, len(pixels) // _IMAGES_PER_COMPONENT)
    if rank and pixels.any():
        pca = PCA(rank, svd_solver="randomized", random_state=0).fit(pixels)
        pixels -= pca.inverse_transform(pca.transform(pixels))
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True) + 1e-6
    # Of unit vectors, the squared distance is 2 - 2 * correlation.
    radius = np.sqrt(2.0 - 2.0 * MIN_CORRELATION)
    neighbors = NearestNeighbors(radius=radius, algorithm="brute").fit(pixels)
    near = neighbors.radius_neighbors(return_distance=False)
    pairs = [
        (row, int(other), float(pixels[row] @ pixels[other]))
        for row, others in enumerate(near)
        for other in others
        if row < other
    ]
    # Images without contrast are alike, but that says nothing.
    return [pair for pair in pairs if pair[2] > MIN_CORRELATION]


def warn_of(pairs: Sequence[NearCopy]) -> None:
    """Logs how many pairs there are, and the first of them."""
    if not pairs:
        return
    listed = "; ".join(
        f"{' and '.join(pair.names)} ({', '.join(pair.roles)})"
        for pair in pairs[:3]
    )
    logging.warning(
        "%d pairs of images in different roles are near-copies: %s. The "
        "calibration is too optimistic: more good images may be called "
        "defective than alpha says. If they show one thing, tell things apart "
        "by --group_by; all pairs are in split.json.",
        len(pairs),
        listed,
    )


def as_json(pairs: Sequence[NearCopy]) -> list[dict[str, Any]]:
    """The pairs as `split.json` and `results.json` hold them."""
    return [pair._asdict() for pair in pairs]
