"""Standard normal numbers, one for each 64-bit word, the same on every machine.

A word is a sign bit and a tail probability, which goes through the inverse of
the normal distribution (sim.normal): arithmetic that IEEE 754 fixes to the bit.
"""

import numpy as np

from drift.sim.normal import upper_quantile
from drift.sim.streams import Stream, words64


def gaussian(words: np.ndarray) -> np.ndarray:
    """float64 numbers for uint64 `words`, any shape."""
    tails = ((words & np.uint64((1 << 63) - 1)) >> np.uint64(10)).astype(np.float64) + 0.5
    signs = np.where(words >> np.uint64(63), -1.0, 1.0)
    return signs * upper_quantile(np.ldexp(tails, -54))


def draw(seed: int, stream: Stream, count: int) -> np.ndarray:
    """float64 (count,) from the first words of a stream."""
    return gaussian(words64(seed, stream, 0, count))
