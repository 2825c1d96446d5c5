"""The monitor of a line: have its images changed, and in what way?

Two questions are asked of the same stream of images:

- *Has anything changed?* Two gamblers bet on the online p-values of all images,
  one that all have moved, one that a few are unusual.
- *Have the good images changed?* More defects only add unusual images: the
  others stay as they were. One gambler leaves out images like the most unusual
  quarter of the calibration images, and ranks all others among themselves and
  their part of the calibration images. Another one bets that fewer images are
  in the more usual half than there were if `MAX_DEFECTIVE` were defective.
  Others rank the looks of the same images, such as their brightness, among
  those of all images before: other light shows there first, whether or not the
  detector minds it.

Together, false alarms have a probability of at most `LEVEL` over the whole life
of an unchanged line. After an alarm of the first question alone, a rank test of
the images since then says whether the others have moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import scipy.stats

from ganad_tf.production import martingale
from ganad_tf.production import online_ranks

LEVEL = 0.01
# How the level is divided: between the questions, and the chance that the
# median calibration image is further from the median than the bets allow.
_LEVELS = {"any": 0.5 * LEVEL, "moved": 0.4 * LEVEL}
_MEDIAN_LEVEL = 0.1 * LEVEL
THRESHOLDS = {kind: 1.0 / level for kind, level in _LEVELS.items()}
# Share of defective images up to which a line is not said to have moved.
MAX_DEFECTIVE = 0.2
# Images more unusual than this share of the calibration images may be defects.
_UNUSUAL_SHARE = 0.25
# Of the rank test after an alarm.
_TEST_LEVEL = 0.002

UNCHANGED = "unchanged"
MORE_DEFECTS = "more defects"
MOVED = "moved"


class Alarm(NamedTuple):
    """When the money reached its threshold."""

    kind: str  # "any" or "moved"
    step: int  # image at which it did, from 0
    onset: int  # image at which the growth began


class Monitored(NamedTuple):
    """What the monitor says of a stream of images."""

    verdict: str
    alarms: tuple[Alarm, ...]
    log_capital: dict[str, np.ndarray]  # by kind, (n,), natural logarithms
    num_calibration: int
    is_usual: np.ndarray  # (n,) bool, in the more usual half

    @property
    def onset(self) -> int | None:
        """Image at which the change began; None without one."""
        return min((alarm.onset for alarm in self.alarms), default=None)


def monitor(
    p_values: np.ndarray,
    anomaly_scores: np.ndarray,
    names: Sequence[str],
    *,
    num_calibration: int | None = None,
    looks: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> Monitored:
    """Asks both questions after every image.

    Args:
        p_values: Floats of shape (n,), of one detector, in the order of time.
        anomaly_scores: Floats of shape (n,).
        names: Of the images; they seed what breaks ties.
        num_calibration: Of the detector; inferred from the p-values by
            default.
        looks: Further numbers of each image by name, floats of shape (n,), NaN
            where nobody knows one.

    Returns:
        monitored: `Monitored`.

    Raises:
        UserError: If the p-values are not those of one detector.
    """
    count = num_calibration or online_ranks.infer_num_calibration(p_values)
    places = online_ranks.positions(p_values, anomaly_scores, count)
    uniforms = online_ranks.tie_breakers(names)
    paths = {
        "any": _any_path(places, uniforms, count),
        "moved": _moved_path(places, uniforms, count, looks),
    }
    alarms = tuple(
        alarm
        for kind, path in paths.items()
        if (alarm := _first_alarm(kind, path)) is not None
    )
    return Monitored(
        _verdict(alarms, places, count),
        alarms,
        paths,
        count,
        places < _median_place(count),
    )


def _median_place(num_calibration: int) -> int:
    return num_calibration // 2 + 1


def _edge_place(num_calibration: int) -> int:
    """Of the calibration image above which images may be defects."""
    return max(int((1.0 - _UNUSUAL_SHARE) * num_calibration), 1) + 1


def _any_path(places, uniforms, num_calibration: int) -> np.ndarray:
    """Log capital of the bets that anything has changed."""
    calibration = range(1, num_calibration + 1)
    ranks = online_ranks.online_p_values(calibration, places, uniforms)
    bets = (martingale.uniform_bets(ranks), martingale.tail_bets(ranks))
    return martingale.mean_log_capital(
        [martingale.log_capital(payoffs) for payoffs in bets]
    )


def _moved_path(places, uniforms, num_calibration: int, looks) -> np.ndarray:
    """Log capital of the bets that the good images have changed."""
    edge = _edge_place(num_calibration)
    kept = places < edge
    by_scores = martingale.mean_log_capital(
        [
            _log_capital_of_ranks(range(1, edge), places, kept, uniforms),
            _log_capital_of_rate(places, num_calibration),
        ]
    )
    by_looks = [
        _log_capital_of_ranks([], values, kept & np.isfinite(values), uniforms)
        for values in looks.values()
    ]
    if not by_looks:
        return by_scores
    return martingale.mean_log_capital(
        [by_scores, martingale.mean_log_capital(by_looks)]
    )


def _log_capital_of_ranks(before, values, kept, uniforms) -> np.ndarray:
    """Of bets on the ranks of kept images among those before them."""
    ranks = online_ranks.online_p_values(before, values[kept], uniforms[kept])
    payoffs = np.ones([len(values), martingale.NUM_UNIFORM_BETS])
    payoffs[kept] = martingale.uniform_bets(ranks)
    return martingale.log_capital(payoffs)


def _log_capital_of_rate(places, num_calibration: int) -> np.ndarray:
    """Of bets that fewer images than there should be are in the usual half."""
    median = _median_place(num_calibration)
    # By its order, the share of images below that calibration image has a beta
    # distribution: this is the least that it lets expect.
    share = scipy.stats.beta.ppf(
        _MEDIAN_LEVEL, median, num_calibration + 1 - median
    )
    usual = martingale.rate_bets(places < median, (1.0 - MAX_DEFECTIVE) * share)
    return martingale.log_capital(usual)


def _first_alarm(kind: str, path: np.ndarray) -> Alarm | None:
    reached = np.flatnonzero(path >= np.log(THRESHOLDS[kind]))
    if not len(reached):
        return None
    step = int(reached[0])
    return Alarm(kind, step, martingale.onset(path, step))


def _verdict(
    alarms: Sequence[Alarm], places: np.ndarray, num_calibration: int
) -> str:
    if not alarms:
        return UNCHANGED
    if any(alarm.kind == "moved" for alarm in alarms):
        return MOVED
    edge = _edge_place(num_calibration)
    since = places[alarms[0].onset :]
    others = since[since < edge]
    if len(others) < 2:
        return MORE_DEFECTS
    test = scipy.stats.mannwhitneyu(np.arange(1, edge), others)
    return MOVED if test.pvalue <= _TEST_LEVEL else MORE_DEFECTS
