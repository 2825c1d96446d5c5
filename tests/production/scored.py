"""Scores of lines that a program draws."""

import numpy as np

from ganad_tf import scores_csv
from ganad_tf.detector.calibration import conformal_p_values


def rows(num_images=300, *, shift=0.0, start=150, folder="", seed=0):
    """Rows of `scores.csv`; from an image on, scores are higher."""
    generator = np.random.default_rng(seed)
    calibration = generator.gamma(4.0, size=60)
    scores = generator.gamma(4.0, size=num_images)
    scores[start:] += shift
    p_values = conformal_p_values(calibration, scores)
    return [
        scores_csv.Row(
            f"{folder}part{number:03d}.png",
            "",
            *(float(score), float(score), float(score) / 2),
            *(float(p_value), bool(p_value <= 0.05)),
        )
        for number, (score, p_value) in enumerate(
            zip(scores, p_values, strict=True)
        )
    ]


def write(path, given) -> str:
    path.write_text(scores_csv.to_csv(given))
    return str(path)
