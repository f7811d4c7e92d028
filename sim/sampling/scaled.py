"""Q(sigma * Z) in bfloat16 as a rounded product, for many sigmas of the same random words.

A product of two float32 numbers costs a third of a lookup in the table (sim.sampling.thresholds),
but for the numbers themselves, which cost as much as eight. It is off by less than three units in
its last place,

    2**-24 (rounding Z) + 2**-24 (rounding sigma) + 2**-24 (rounding the product) + 2**-30,

relatively, the last for the interpolation of Z. So where it is nearer than that to the midpoint of
two neighbours in bfloat16, one value in ten thousand, the table decides; else both give one code.
"""

from functools import cache

import numpy as np

from drift.kernels.formats import BFLOAT16, Format
from drift.sim.sampling.normal import gaussian, upper_quantile
from drift.sim.sampling.thresholds import Thresholds

_INTERVALS = 1 << 12
"""Intervals of the magnitude of a word in which Z is interpolated by cubic polynomials."""
_TAIL = _INTERVALS >> 6
"""The first ones, where Z is large, are too wide for that: there it is computed."""
_NEAR_ZERO = 2.0**-12
"""Numbers so small are left to the table: they may be drawn as 0."""
_FAR = 1 << 44
"""So are words of smaller magnitudes, far out in the tails: normal numbers lack their last bits."""
_LEAST, _MOST = 2.0**-100, 2.0**100
"""The sigmas with which no product is subnormal, or overflows."""
_DROPPED, _MIDPOINT, _UNSURE = 16, 0x8000, 4
"""Bits of a float32 that bfloat16 has not; these bits at the midpoint; how near is too near."""


class ScaledNormal:
    """The normal numbers Z of `words`, uint64 (n,), to be scaled and rounded."""

    def __init__(self, words: np.ndarray):
        self._words = words
        numbers = _interpolated(words)
        self._numbers = numbers.astype(np.float32)
        self._unsure = np.flatnonzero((np.abs(numbers) < _NEAR_ZERO) | (_magnitudes(words) < _FAR))

    @staticmethod
    def supports(sigma: float, target: Format) -> bool:
        """Return whether a sigma and a format can be scaled here."""
        return target == BFLOAT16 and _LEAST <= sigma <= _MOST

    def values(self, sigma: float, table: Thresholds) -> np.ndarray:
        """Return Q(sigma * Z), float32 (n,), bit for bit as the `table` of sigma gives it."""
        values = self._numbers * np.float32(sigma)
        bits, scratch = values.view(np.uint32), np.empty(len(values), np.uint32)
        np.add(bits, _UNSURE - _MIDPOINT & 0xFFFFFFFF, out=scratch)
        np.bitwise_and(scratch, (1 << _DROPPED) - 1, out=scratch)
        near = np.concatenate([np.flatnonzero(scratch <= 2 * _UNSURE), self._unsure])
        # No tie is left to even: half a unit is added, and the lower bits are cut off.
        np.add(bits, _MIDPOINT, out=bits)
        np.bitwise_and(bits, -1 << _DROPPED & 0xFFFFFFFF, out=bits)
        codes = table.codes(self._words[near]).astype(np.uint32)
        bits[near] = codes << np.uint32(_DROPPED)
        return values


def _magnitudes(words: np.ndarray) -> np.ndarray:
    """Return the magnitudes of `words`, uint64: large ones give numbers near 0."""
    return words & np.uint64((1 << 63) - 1)


def _interpolated(words: np.ndarray) -> np.ndarray:
    """Return the normal numbers of `words`, float64, to a relative error below 2**-30."""
    # In the order of the magnitudes, which fall as the numbers rise: see sim.sampling.normal.
    place = _magnitudes(words).astype(np.float64)
    place *= _INTERVALS * 2.0**-63
    interval = place.astype(np.intp)
    np.minimum(interval, _INTERVALS - 1, out=interval)
    place -= interval
    constant, *others = _polynomials()
    found = others[-1].take(interval)
    for each in (*others[-2::-1], constant):
        found *= place
        found += each.take(interval)
    np.negative(found, out=found, where=words >> np.uint64(63) != 0)
    far = np.flatnonzero(interval < _TAIL)
    found[far] = gaussian(words[far])
    return found


@cache
def _polynomials() -> np.ndarray:
    """Return the coefficients of each interval from the constant up, float64 (4, intervals).

    They meet the quantile and its slope at both ends (Hermite's interpolation).
    """
    tails = np.arange(1, _INTERVALS + 1) / (2 * _INTERVALS)
    ends = np.concatenate([[0.0], upper_quantile(tails)])
    slopes = -np.sqrt(2 * np.pi) * np.exp(ends * ends / 2) / (2 * _INTERVALS)
    low, high, rise, fall = ends[:-1], ends[1:], slopes[:-1], slopes[1:]
    return np.stack([low, rise, 3 * (high - low) - 2 * rise - fall, 2 * (low - high) + rise + fall])
