"""Binomial probabilities of n tokens and p = exp(-L), by NumPy alone.

SciPy has them, and takes longer to load than a prediction takes.
"""

import math

import numpy as np

_STIRLING = 32
"""Numbers below it have their factorial in a table."""
_TABLE = np.array([math.lgamma(k + 1) for k in range(_STIRLING)])
_LARGE, _FEW = 1 << 20, 64
"""Tokens from which the factorials cancel too much, and the choices of few of them."""
_TERMS = 9
"""Widths of an occupancy that a tail is summed over."""
_UNSEEN = -60.0
"""Logarithm of a chance that no sum over cells sees."""


def log_factorial(k: np.ndarray) -> np.ndarray:
    """Return log k!, float64, for whole numbers k of 0 or more."""
    k = np.asarray(k, np.float64)
    x = np.maximum(k, 1.0)
    series = 1 / (12 * x) - 1 / (360 * x**3) + 1 / (1260 * x**5) - 1 / (1680 * x**7)
    far = x * np.log(x) - x + 0.5 * np.log(2 * math.pi * x) + series
    return np.where(k < _STIRLING, _TABLE[np.minimum(k, _STIRLING - 1).astype(np.int64)], far)


def choose(n: int, k: np.ndarray) -> np.ndarray:
    """Return log C(n, k), float64, for whole numbers 0 <= k <= n."""
    few = np.minimum(k, n - k)
    found = log_factorial(np.array(n)) - log_factorial(few) - log_factorial(n - few)
    if n < _LARGE:
        return found
    # The factorials of large numbers cancel; n ... n - few + 1 are nearly equal then.
    falling = few * math.log(n) - few * (few - 1) / (2.0 * n)
    return np.where(few < _FEW, falling - log_factorial(few), found)


def log_rest(minus_log: np.ndarray | float) -> np.ndarray:
    """Return log(1 - p), float64, precisely where p is near 0 and where it is near 1."""
    p = np.exp(-np.asarray(minus_log))
    with np.errstate(divide="ignore"):
        return np.where(p < 0.5, np.log1p(-np.minimum(p, 0.5)), np.log(-np.expm1(-minus_log)))


def power(log_base: np.ndarray | float, exponent: np.ndarray | int) -> np.ndarray:
    """Return a base to whole exponents of 0 or more, given the base's logarithm, 0 or less."""
    exponent = np.asarray(exponent)
    with np.errstate(invalid="ignore", under="ignore"):
        return np.where(exponent == 0, 1.0, np.exp(exponent * log_base))


def log_chance(k: np.ndarray, n: int, minus_log: np.ndarray) -> np.ndarray:
    """Return the logarithm of the chance of k of n tokens, float64; shapes broadcast."""
    k = np.asarray(k)
    with np.errstate(invalid="ignore"):
        others = np.where(k == n, 0.0, (n - k) * log_rest(minus_log))
    return choose(n, k) - k * minus_log + others


def upper_tail(count: int, n: int, minus_log: np.ndarray) -> np.ndarray:
    """Return the chance of `count` of n tokens or more, 1 or more, in each cell, float64.

    Small ones are precise, and none is for a count that no cell can be thought to reach.
    """
    mean = n * np.exp(-minus_log)
    found = np.zeros_like(minus_log)
    # Chernoff's bound tells where there is something to be summed.
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = count - mean - count * np.log(count / mean)
    above = (mean < count) & (bound > _UNSEEN)
    if count <= n:
        found[above] = _tail(count, n, minus_log[above], up=True)
        found[mean >= count] = 1 - _tail(count - 1, n, minus_log[mean >= count], up=False)
    return found


def _tail(k: int, n: int, minus_log: np.ndarray, up: bool) -> np.ndarray:
    """Return the chance of k tokens and more, or of k and fewer: a sum of falling terms."""
    if not len(minus_log):
        return np.zeros(0)
    with np.errstate(divide="ignore"):
        odds = 1 / np.expm1(minus_log)
    # Each term is the one before times a ratio that falls, of about 1 - 1/sqrt(k) at first.
    most = min(n - k if up else k, int(_TERMS * math.sqrt(k + 1)) + _TERMS)
    steps = np.arange(most)
    ratio = (n - k - steps) / (k + 1 + steps) if up else (k - steps) / (n - k + 1 + steps)
    each = odds if up else 1 / odds
    terms = np.cumprod(each[:, None] * ratio, axis=1)
    return np.exp(log_chance(np.array(k), n, minus_log)) * (1 + terms.sum(axis=1))
