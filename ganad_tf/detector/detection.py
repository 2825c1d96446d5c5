"""What the detector measures and answers; needs no TensorFlow."""

from typing import Any
from typing import NamedTuple


class Detection(NamedTuple):
    """What the detector says about a batch of images, one row for each."""

    anomaly_scores: Any  # (batch,) the one number to rank by
    frechet_scores: Any  # (batch,) of latents and field to their references
    reconstruction_errors: Any  # (batch,) largest residuals, in deviations
    p_values: Any  # (batch,) conformal, in (0, 1]
    is_defective: Any  # (batch,) bool, p-value at most alpha
    reconstructions: Any  # (batch, height, width, channels) in [-1, 1]
    anomaly_maps: Any  # (batch, height, width), 1 is rare in qualified images
    latents: Any  # (batch, latent_dim)
    descriptors: Any  # (batch, dim), compared with the reference
    part_scores: Any  # (batch, num_parts), 0 at qualified images' median and 1
    # near their 95 % quantile, by the detector's `parts`


class Measures(NamedTuple):
    """Scores and maps of a batch of images before calibration."""

    log_parts: Any  # (batch, num_parts), logarithms, as `parts`
    maps: Any  # (batch, height, width, num_maps), not scaled
    frechet_scores: Any  # (batch,)
    reconstruction_errors: Any  # (batch,)
    residuals: Any  # (batch, *network_shape), of the GAN
