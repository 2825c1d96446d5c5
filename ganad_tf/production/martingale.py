"""Test martingales: money that grows only if images have changed.

A gambler starts with 1 and bets on numbers that are uniform and independent as
long as images are exchangeable with the calibration images. Each bet is fair,
so the chance that the money ever reaches 1/level is at most `level` (Ville
1939): one may look after every image, for ever. The strategy is the Composite
Jumper of Vovk, Petej, Nouretdinov, Ahlberg, Carlsson & Gammerman, "Retrain or
not retrain: conformal test martingales for change-point detection" (COPA 2021):
money waits, jumps to one of several bets and back, so it is there whenever the
change comes. Bets on small numbers, which lose little and win fast, are added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Shares of the money that jump at each step: the money is divided among them.
JUMP_RATES = (1e-4, 1e-3, 1e-2, 1e-1)
# Slopes of linear bets, and the exponent of bets on both ends of (0, 1).
_SLOPES = (-2.0, -1.0, 1.0, 2.0)
_EXPONENT = 0.2
# A few defects among many good images: bets of this share of the stake that a
# number is below one of these.
_FEW = 0.1
_TAILS = (0.02, 0.08)
# Shares of the largest stake in a bet on a rate.
_STAKES = (0.0, 0.5, 0.99)
_LEAST = 1e-9
NUM_UNIFORM_BETS = 1 + len(_SLOPES) + 2


def uniform_bets(numbers: np.ndarray) -> np.ndarray:
    """What each bet on uniform numbers pays for a stake of 1.

    Args:
        numbers: Floats of shape (n,) in [0, 1].

    Returns:
        payoffs: float64 of shape (n, num_bets), 1 on average over uniform
            numbers; the first bet is none.

    Example:
    >>> float(uniform_bets(np.array([0.5]))[0, 0])
    1.0
    """
    low = np.clip(np.asarray(numbers, np.float64), _LEAST, 1.0)
    high = np.clip(1.0 - np.asarray(numbers, np.float64), _LEAST, 1.0)
    linear = [1.0 + slope * (low - 0.5) for slope in _SLOPES]
    ends = [_EXPONENT * side ** (_EXPONENT - 1.0) for side in (low, high)]
    return np.maximum(np.stack([np.ones_like(low), *linear, *ends], 1), 0.0)


def tail_bets(numbers: np.ndarray) -> np.ndarray:
    """The same of bets that a few numbers are small and all others usual.

    Args:
        numbers: As of `uniform_bets`.

    Returns:
        payoffs: As of `uniform_bets`.
    """
    numbers = np.asarray(numbers, np.float64)[:, None]
    tails = np.array([1.0, *_TAILS])
    return 1.0 - _FEW + _FEW * (numbers <= tails) / tails


def rate_bets(happened: np.ndarray, least_rate: float) -> np.ndarray:
    """What bets pay that something happens less often than it should.

    Args:
        happened: Booleans of shape (n,).
        least_rate: In (0, 1): it should happen with at least this
            probability, whatever happened before.

    Returns:
        payoffs: float64 of shape (n, num_bets), at most 1 on average; the
            first bet is none.

    Example:
    >>> rate_bets(np.array([True, False]), 0.5)[:, -1].round(2)
    array([0.01, 1.99])
    """
    short = least_rate - np.asarray(happened, np.float64)
    return 1.0 + short[:, None] * np.array(_STAKES) / (1.0 - least_rate)


def log_capital(payoffs: np.ndarray) -> np.ndarray:
    """The gambler's money after each step, as a natural logarithm.

    Args:
        payoffs: Floats of shape (n, num_bets), at least 0, for a stake of 1;
            the first bet is always 1.

    Returns:
        log_capital: float64 of shape (n,).

    Example:
    >>> generator = np.random.default_rng(0)
    >>> unchanged = log_capital(uniform_bets(generator.uniform(size=500)))
    >>> changed = log_capital(uniform_bets(generator.uniform(size=40) ** 4))
    >>> bool(unchanged.max() < np.log(100) < changed.max())
    True
    """
    jump = np.array(JUMP_RATES)[:, None]
    num_bets = payoffs.shape[1]
    capital = np.zeros([len(JUMP_RATES), num_bets])
    capital[:, 0] = 1.0 / len(JUMP_RATES)  # waits
    total, path = 0.0, np.empty(len(payoffs))
    for step, paid in enumerate(payoffs):
        moved = capital.sum(axis=1, keepdims=True) * jump / num_bets
        capital = ((1.0 - jump) * capital + moved) * paid
        amount = capital.sum()
        # Divided by itself, so that no number overflows in a long life.
        capital /= amount
        total += np.log(amount)
        path[step] = total
    return path


def mean_log_capital(paths: Sequence[np.ndarray]) -> np.ndarray:
    """The money of gamblers who share the first 1 evenly: (n,), logarithms."""
    return np.logaddexp.reduce(list(paths), axis=0) - np.log(len(paths))


def onset(log_capital_path: np.ndarray, alarm: int) -> int:
    """Where the growth began that led to an alarm.

    Args:
        log_capital_path: Of `log_capital`.
        alarm: Step of the alarm.

    Returns:
        step: The first one after the money was at its least.
    """
    before = np.concatenate([[0.0], log_capital_path[:alarm]])
    # The last of equal ones.
    return int(len(before) - 1 - np.argmin(before[::-1]))
