"""Band energies: how strong every kind of detail is, around each point.

An image is filtered by the cosine basis of 3x3 pixels (without its mean) at
each level of a Gaussian pyramid. The logarithms of the local mean squares are
nearly normal, so that a Gaussian describes them well, where the responses
themselves have heavy tails. Nothing is learned, so nothing is overlooked that
the training images did not show.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import tensorflow as tf

from ganad_tf.gan import pyramid

# Levels of the pyramid that are filtered; the next one is the brightness.
NUM_LEVELS = 4
ENERGIES = tuple(f"energies_{level}" for level in range(NUM_LEVELS))
BANDS = (*ENERGIES, "brightness")
RELATIVE_BANDS = tuple(f"relative_{name}" for name in BANDS)
# Side of the window of a mean square, in pixels of the image.
_WINDOW = 8
_SIDE = 3
# Mean square of about what 8 bits round away, of values in [-1, 1]: less is no
# evidence.
_ROUNDING = 1e-5


def band_energies(images: tf.Tensor) -> dict[str, tf.Tensor]:
    """Logarithms of local energies, and the brightness.

    Args:
        images: float32 of shape (batch, height, width, channels) in [-1, 1];
            sides are known and multiples of 16.

    Returns:
        bands: float32 by name. `ENERGIES` have the shape (batch, rows,
            columns, 8), a value for each filter, as the mean over the image's
            channels; "brightness" is the image itself at 1/16 of its
            resolution. `RELATIVE_BANDS` are the same, less their means over
            the image: neither contrast nor light of the image counts.

    Example:
    >>> bands = band_energies(tf.zeros([1, 32, 48, 3]))
    >>> bands["energies_0"].shape, bands["brightness"].shape
    (TensorShape([1, 8, 12, 8]), TensorShape([1, 2, 3, 3]))
    """
    *levels, brightness = pyramid.gaussian_pyramid(
        images, num_levels=NUM_LEVELS + 1
    )
    maps = [_log_energies(low, 2**level) for level, low in enumerate(levels)]
    bands = dict(zip(BANDS, [*maps, brightness], strict=True))
    relative = {
        f"relative_{name}": values
        - tf.reduce_mean(values, axis=[1, 2], keepdims=True)
        for name, values in bands.items()
    }
    return bands | relative


def cosine_filters() -> np.ndarray:
    """The cosine basis without its mean: float32 (side, side, 8), orthonormal.

    Ahmed, Natarajan & Rao (1974), "Discrete Cosine Transform".
    """
    basis = scipy.fft.idct(np.eye(_SIDE), axis=0, norm="ortho")
    products = np.einsum("ik,jl->ijkl", basis, basis)
    return products.reshape(_SIDE, _SIDE, -1)[..., 1:].astype(np.float32)


def _log_energies(images: tf.Tensor, scale: int) -> tf.Tensor:
    """Of images whose pixels are `scale` pixels wide."""
    _, height, width, channels = images.shape
    # One plane for each channel: a convolution of one channel is a fast one.
    planes = tf.transpose(images, [0, 3, 1, 2])
    planes = tf.reshape(planes, [-1, height, width, 1])
    planes = tf.pad(planes, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    filters = tf.constant(cosine_filters()[:, :, None])
    squares = tf.nn.conv2d(planes, filters, 1, "VALID") ** 2
    window = max(_WINDOW // scale, 1)
    means = tf.nn.avg_pool2d(squares, window, max(window // 2, 1), "SAME")
    means = tf.reshape(means, [-1, channels, *means.shape[1:]])
    return tf.math.log(tf.reduce_mean(means, axis=1) + _ROUNDING)
