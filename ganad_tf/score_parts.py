"""The numbers that a verdict is made of: one table that all others read."""

from typing import NamedTuple


class ScorePart(NamedTuple):
    """One number of a verdict; higher is more anomalous."""

    name: str  # column of scores.csv, signature output, key of results.json
    field: str  # of `Detection`
    words: str  # what reports call it
    color: str  # of its curves in figures, a Matplotlib colour


ANOMALY = ScorePart("anomaly_score", "anomaly_scores", "anomaly score", "C3")
FRECHET = ScorePart("frechet_score", "frechet_scores", "Fréchet distance", "C0")
RESIDUAL = ScorePart(
    "reconstruction_error", "reconstruction_errors", "residual", "C1"
)
# In the order of columns and outputs.
SCORE_PARTS = (ANOMALY, FRECHET, RESIDUAL)
# All scalars of a verdict, in the order of columns and outputs: name by which
# tables and signatures know them, and field of `Detection`.
SCALARS = {
    **{part.name: part.field for part in SCORE_PARTS},
    "p_value": "p_values",
    "is_defective": "is_defective",
}
# Upper end of the scale of anomaly maps, in pictures and in 8-bit PNGs.
MAP_LIMIT = 15.0
# Scores of an image that cannot be judged: above all scores of others, and a
# number, since JSON has no infinity. The largest power of ten that float32
# holds exactly.
UNJUDGED_SCORE = 1e10
