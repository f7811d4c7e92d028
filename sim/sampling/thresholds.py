"""Thresholds from random words to codes of Q(sigma * Z): integers, for 16 bits or fewer.

A 64-bit word U is a sign bit and a 63-bit magnitude m. With

    T[k] = round(2**63 * P(sigma * |Z| > midpoint below the k-th magnitude)),

the code drawn has the magnitude whose rank is the number of T[k] above m: the
inverse of the distribution function, so large m gives small values. Both T and
the comparison are exact integers, hence the same on every machine. The upper 32
bits of U nearly always decide; the lower ones are drawn only where not.

Codes are returned as sixteen bits, a sign over a magnitude; the magnitude after
the format's largest stands for all that rounds beyond it.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from drift.kernels.formats import Format
from drift.sim.sampling.shapes import SHAPES

SIGN = 0x8000
"""The sign bit of a drawn code, whatever the format."""

_NEAREST_BITS = 66
"""P(|Z| < 2**-66) < 2**-66: no word reaches below."""
_LOWER = np.uint64(0xFFFFFFFF)
_UNDECIDED = 0xFFFF
"""Marks a guide entry that spans several codes; no format has that magnitude."""
_GUIDE_BITS = 19
"""Upper bits of a word that the guide reads: nearly all words are decided by them, and the guide,
a megabyte, stays in a core's second-level cache."""
_HALF = 1 << (_GUIDE_BITS - 1)


def drawn_magnitudes(
    sigma: float, target: Format, smallest: float, shape: str = "normal"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the magnitudes but 0 that are drawn, rising, and the midpoints below them, float64.

    Below the first midpoint is 0. The magnitude after the format's largest stands for
    all that rounds beyond it.
    """
    every = _every_magnitude(target)
    first, last = (
        int(n) for n in np.searchsorted(every, [smallest, sigma * SHAPES[shape].farthest])
    )
    beyond = target.largest_magnitude + 1
    first, last = min(max(first, 1), beyond), min(last, beyond)
    magnitudes = np.arange(first, max(first, last) + 1)
    return magnitudes, (every[magnitudes - 1] + every[magnitudes]) / 2


@lru_cache
def _every_magnitude(target: Format) -> np.ndarray:
    return target.magnitudes()


def keys_of(words: np.ndarray) -> np.ndarray:
    """Return the keys of `words`, or of their upper halves: they rise with the values drawn.

    Words are uint64, halves uint32, and so are their keys. The upper half of a key is the key of
    the upper half.
    """
    # A large magnitude gives a small value, so all bits are flipped where it is positive, and
    # where it is negative the sign alone.
    bits = 8 * words.itemsize
    signs = words.view(f"i{words.itemsize}") >> (bits - 1)  # all bits of it
    signs &= (1 << (bits - 1)) - 1
    keys = np.invert(signs, out=signs).view(words.dtype)
    keys ^= words
    return keys


class Thresholds:
    """The table of thresholds for one sigma (positive, finite), format and smallest magnitude.

    `shape` names one of sim.sampling.shapes.
    """

    def __init__(self, sigma: float, target: Format, smallest: float, shape: str = "normal"):
        least = max(smallest, sigma * 2.0**-_NEAREST_BITS)
        magnitudes, midpoints = drawn_magnitudes(sigma, target, least, shape)
        masses, most = SHAPES[shape].masses, SHAPES[shape].most
        with np.errstate(over="ignore"):
            z = np.minimum(midpoints / sigma, most)
        inside, outside = masses(z)
        unit = 2.0**63
        # Each threshold comes from the smaller of the two masses, which is the exact one.
        near = np.uint64(1 << 63) - np.rint(unit * inside).astype(np.uint64)
        above = np.where(inside < 0.5, near, np.rint(unit * outside).astype(np.uint64))
        self._ascending = above[::-1].copy()
        self._following = np.append(self._ascending, np.uint64(1 << 63))
        self._codes = np.concatenate([[0], magnitudes]).astype(np.uint16)
        self._above = np.append(above, np.uint64(0))
        starts = np.arange((1 << 15) + 1, dtype=np.uint64) << np.uint64(48)
        reached = np.searchsorted(self._ascending, starts)
        self._below, self._within = reached[:-1], np.diff(reached)
        self._guide = self._guided()

    def _guided(self) -> np.ndarray:
        """Return the code of all words with the same upper bits, uint16, where they have one."""
        shift = np.uint64(64 - _GUIDE_BITS)
        upper = (self._ascending >> shift).astype(np.int64)
        split = (self._ascending & np.uint64((1 << (64 - _GUIDE_BITS)) - 1)) != 0
        # Thresholds are sorted: between two of them all upper bits stand for one code.
        reached = np.minimum(upper + split, _HALF)
        runs = np.diff(reached, prepend=0, append=_HALF)
        guide = np.empty(2 * _HALF, np.uint16)
        positive, negative = guide[:_HALF], guide[_HALF:]
        positive[...] = np.repeat(self._codes[::-1], runs)
        positive[upper[split]] = _UNDECIDED
        zeros = int(reached[-1])  # from there on there is no sign
        np.bitwise_or(positive[:zeros], np.uint16(SIGN), out=negative[:zeros])
        negative[zeros:] = positive[zeros:]
        return guide

    def codes(self, words: np.ndarray) -> np.ndarray:
        """Return uint16 sign and magnitude for whole 64-bit words, any shape."""
        flat = words.ravel()
        return self._code(flat, self._reached(flat)).reshape(words.shape)

    def codes_lazily(self, high: np.ndarray, low: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return uint16 sign and magnitude for upper halves `high` (uint32, one dimension).

        `low(positions)` gives the lower halves at those positions of `high`; it
        is called once, with the few positions that need them.
        """
        codes = self._guide.take(high >> np.uint32(32 - _GUIDE_BITS), mode="clip")
        open_ = np.flatnonzero(codes == _UNDECIDED)
        words = high[open_].astype(np.uint64) << np.uint64(32)
        reached = self._reached(words)
        codes[open_] = self._code(words, reached)
        most = (words | np.uint64(0xFFFFFFFF)) & np.uint64((1 << 63) - 1)
        # The lower halves decide only where a threshold lies between the least and the most
        # word that the upper half can be of.
        split = np.flatnonzero(self._following[reached] <= most)
        codes[open_[split]] = self.codes(words[split] | low(open_[split]).astype(np.uint64))
        return codes

    def coordinates_lazily(
        self, high: np.ndarray, low: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Return lattice coordinates, int64, for words as `codes_lazily` takes them."""
        codes = self.codes_lazily(high, low).astype(np.int64)
        return np.where(codes & SIGN, -(codes & (SIGN - 1)), codes)

    def first_keys(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the least keys of values at or above lattice `coordinates`, int64 (n,), in halves.

        Both are uint64. The upper half is 2**32 where no word gives such a value.
        """
        # Of at least so large a magnitude are the words below a threshold: those that are to be
        # counted where it is positive, and else those that are not.
        positive = coordinates > 0
        magnitude = np.where(positive, coordinates, 1 - coordinates)
        below = self._above.take(magnitude - self._codes[1:2].astype(np.int64), mode="clip")
        key = np.where(positive, np.uint64(0) - below, below)
        none = positive & (below == 0)
        return (key >> np.uint64(32)) + (none.astype(np.uint64) << np.uint64(32)), key & _LOWER

    def _reached(self, words: np.ndarray) -> np.ndarray:
        """Return how many thresholds the magnitude of each word reaches."""
        # A bucket, the words of equal upper 15 bits, holds one threshold at most in nearly all
        # cases: one comparison decides, and only the others are searched for.
        magnitude = words & np.uint64((1 << 63) - 1)
        bucket = (magnitude >> np.uint64(48)).astype(np.intp)
        reached = self._below.take(bucket)
        reached += self._following.take(reached) <= magnitude
        several = np.flatnonzero(self._within.take(bucket) > 1)
        reached[several] = np.searchsorted(self._ascending, magnitude[several], side="right")
        return reached

    def _code(self, words: np.ndarray, reached: np.ndarray) -> np.ndarray:
        codes = self._codes[len(self._ascending) - reached]
        negative = (words >> np.uint64(63)).astype(bool) & (codes != 0)
        return codes | (negative * np.uint16(SIGN))


def thresholds(sigma: float, target: Format, smallest: float, shape: str = "normal") -> Thresholds:
    """Return the table, kept for the next chunk: one, whether `shape` is given or left out."""
    return _kept(sigma, target, smallest, shape)


_kept = lru_cache(maxsize=64)(Thresholds)
