"""Slow versions of the formulas, written independently of the package."""

import numpy as np
import scipy.linalg
from scipy import ndimage

KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256.0


def laplacian_pyramid(plane: np.ndarray, num_levels: int) -> list[np.ndarray]:
    levels = []
    for _ in range(num_levels - 1):
        low = ndimage.convolve(plane, KERNEL, mode="mirror")[::2, ::2]
        sparse = np.zeros_like(plane)
        sparse[::2, ::2] = low
        high = 4.0 * ndimage.convolve(sparse, KERNEL, mode="mirror")
        levels.append(plane - high)
        plane = low
    return [*levels, plane]


def frechet_distance(mean_1, covariance_1, mean_2, covariance_2) -> float:
    root = scipy.linalg.sqrtm(covariance_1 @ covariance_2)
    shift = np.sum((mean_1 - mean_2) ** 2)
    return shift + np.trace(covariance_1 + covariance_2 - 2.0 * np.real(root))


def p_value(calibration_scores, score) -> float:
    count = 1
    for other in calibration_scores:
        if other >= score:
            count += 1
    return count / (len(calibration_scores) + 1)
