"""Pixel scores: how well anomaly maps agree with ground-truth masks."""

from __future__ import annotations

import tempfile

import numpy as np
from scipy import ndimage

# Largest false-positive rate of the area under the per-region overlap curve.
INTEGRATION_LIMIT = 0.3
# Most thresholds of that curve.
_NUM_THRESHOLDS = 2000
# Clean pixels that are compared at most; of more, a random share.
MAX_CLEAN = 2**23
_CHUNK = 2**22  # bytes that are read at once


class PixelScores:
    """AUROC and AUPRO of pixels, gathered one image at a time.

    Both need the order of the clean pixels. These are most pixels of a data
    set, so they wait in a temporary file, and of very many a random share is
    compared; all defective ones are in memory.

    Example:
    >>> mask = np.zeros([8, 8], bool)
    >>> mask[2:4, 2:4] = True
    >>> scores = PixelScores()
    >>> scores.add(mask, 2.0 * mask)
    >>> {name: round(area, 6) for name, area in scores.results().items()}
    {'auroc': 1.0, 'aupro': 1.0}
    """

    def __init__(self):
        self._defects: list[np.ndarray] = []  # sorted values of each
        self._clean_file = tempfile.TemporaryFile()  # noqa: SIM115
        self._num_clean = 0

    def add(self, mask: np.ndarray, anomaly_map: np.ndarray) -> None:
        """Adds the pixels of one image.

        Args:
            mask: Booleans of shape (height, width), True in a defect.
            anomaly_map: Floats of the same shape, used as float32.
        """
        values = np.asarray(anomaly_map, np.float32)
        labelled, count = ndimage.label(mask, structure=np.ones([3, 3]))
        self._defects += [
            np.sort(values[labelled == number + 1]) for number in range(count)
        ]
        clean = values[~mask]
        self._clean_file.write(clean.tobytes())
        self._num_clean += len(clean)

    def results(self) -> dict[str, float | None]:
        """The areas of all pixels added; to be called once, at the end.

        Returns:
            results: `auroc` and `aupro` in [0, 1]; None where there is no
                defective or no clean pixel.
        """
        with self._clean_file as file:
            if not self._defects or not self._num_clean:
                return {"auroc": None, "aupro": None}
            clean = self._read_clean(file)
        return {"auroc": self._auroc(clean), "aupro": self._aupro(clean)}

    def _read_clean(self, file) -> np.ndarray:
        """Clean pixels in order, `MAX_CLEAN` or a few more."""
        generator = np.random.default_rng(0)
        share = MAX_CLEAN / self._num_clean
        chosen = []
        file.seek(0)
        while content := file.read(_CHUNK):
            values = np.frombuffer(content, np.float32)
            if share < 1.0:
                values = values[generator.random(len(values)) < share]
            chosen.append(values)
        clean = np.concatenate(chosen)
        clean.sort()
        return clean

    def _auroc(self, clean: np.ndarray) -> float:
        """The Mann-Whitney statistic; ties count half."""
        defective = np.concatenate(self._defects)
        wins = sum(
            int(np.searchsorted(clean, defective, side=side).sum())
            for side in ("left", "right")
        )
        return wins / (2 * len(clean) * len(defective))

    def _aupro(self, clean: np.ndarray) -> float:
        """Area under the per-region overlap curve.

        The overlap of each connected defect with the thresholded map, averaged
        over the defects, against the false-positive rate of the clean pixels,
        integrated up to `INTEGRATION_LIMIT` and divided by it (Bergmann et
        al., "The MVTec Anomaly Detection Dataset", IJCV 2021, section 4.1).
        """
        num_allowed = max(int(INTEGRATION_LIMIT * len(clean)), 1)
        chosen = np.linspace(0, num_allowed - 1, _NUM_THRESHOLDS)
        chosen = np.unique(chosen.astype(int))
        # The threshold that lets chosen + 1 clean pixels pass.
        thresholds = clean[len(clean) - 1 - chosen]
        overlaps = np.mean(
            [
                1.0 - np.searchsorted(defect, thresholds) / len(defect)
                for defect in self._defects
            ],
            axis=0,
        )
        rates = (chosen + 1) / len(clean)
        area = np.trapezoid(np.r_[overlaps[0], overlaps], np.r_[0.0, rates])
        return float(area / rates[-1])
