"""Medians and quantiles over tokens, equal to NumPy's, with a partition of only a few places.

median     the middle value, or the mean of the two middle ones
p10, p90   the values that a tenth of the tokens are below, or above, between two tokens linearly
"""

import math

import numpy as np

from drift.sim.tracks.names import QUANTILES

_TENTHS = (0.1, 0.9)


def quantiles(values: np.ndarray, root: bool = False) -> list[float]:
    """Return the QUANTILES of `values` (n,); NaN where there are none.

    With `root` they are those of the square roots of `values`: roots of a few are taken.
    """
    if not len(values):
        return [math.nan] * len(QUANTILES)
    last = len(values) - 1
    middle = [last // 2, last - last // 2]
    tenths = [math.floor(last * q) for q in _TENTHS]
    places = sorted({*middle, *tenths, *(min(k + 1, last) for k in tenths), last})
    rising = np.partition(values, places)[places].astype(np.float64)
    if root:
        rising = np.sqrt(rising)
    at = dict(zip(places, rising.tolist(), strict=True))
    found = [(at[middle[0]] + at[middle[1]]) / 2]
    for q, k in zip(_TENTHS, tenths, strict=True):
        found.append(_between(at[k], at[min(k + 1, last)], last * q - k))
    return [*found, at[last]]


def _between(low: float, high: float, share: float) -> float:
    """Return the value at a share of the way, in NumPy's own order of operations."""
    if share >= 0.5:
        return high - (high - low) * (1 - share)
    return low + (high - low) * share
