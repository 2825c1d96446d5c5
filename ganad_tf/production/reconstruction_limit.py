"""Whether the networks still reconstruct new good images.

Calibration moves the threshold to where new good images are. Where the networks
no longer reconstruct them, it would hide defects behind residuals that every
good image has. The rule was fixed before any drift was tried, and looks at
qualified images alone.
"""

from __future__ import annotations

import numpy as np
import scipy.stats

from ganad_tf.detector.detection import Detection
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.errors import UserError
from ganad_tf.score_parts import RESIDUAL

# Times that the median residual may have grown: beyond it, a defect has to be
# more than twice as strong as before to stand out of the residual.
LIMIT = 2.0
# Chance of refusing images whose median residual is at the limit or below.
LEVEL = 0.01


def check(detector: OneClassDetector, detection: Detection) -> float | None:
    """Refuses images that the networks no longer reconstruct.

    A sign test: refused are images if significantly more than half of them
    have a `reconstruction_error` above `LIMIT` times the median of the
    calibration images.

    Args:
        detector: Fitted, as the training data gave it.
        detection: Of new good images.

    Returns:
        ratio: Their median residual, in medians of the earlier calibration;
            None where the residual is no part of the score.

    Raises:
        UserError: If the networks no longer reconstruct them.
    """
    if RESIDUAL.field not in detector.parts:
        return None
    column = detector.parts.index(RESIDUAL.field)
    scale = detector.fusion_.scale_[column]
    ratios = np.exp(
        np.minimum(detection.part_scores[:, column] * scale, 50.0), dtype=float
    )
    count = int(np.sum(ratios > LIMIT))
    ratio = float(np.median(ratios))
    test = scipy.stats.binomtest(count, len(ratios), alternative="greater")
    if test.pvalue <= LEVEL:
        raise UserError(
            "The networks no longer reconstruct these images: their median "
            f"residual is {ratio:.2g} times that of the earlier calibration "
            f"images. Expected at most {LIMIT:g} times; {count} of "
            f"{len(ratios)} images have more. A new calibration would hide "
            "defects: undo the change of camera or light, or train again from "
            "these networks (train_gan.py --data=<new images> --init_from="
            "<this model> --model_dir=<new model>)"
        )
    return ratio
