"""The initial cloud: codes of Q(sigma * Z), Z standard normal.

Element (token, dim) of a cloud of D dimensions is a function of seed, sigma and
its place token * D + dim alone: that word of the CLOUD stream (sim.streams)
goes through the integer table of sim.thresholds. No floating point of any device
or library takes part, so the bits do not depend on backend, chunks, threads,
device count or version, and rows can be drawn in any order. A magnitude below
2**-119 becomes +0; -0 is not drawn.
"""

import numpy as np

from sim.streams import Stream, words32
from sim.thresholds import thresholds

_ELEMENTS = 1 << 17
"""Drawn at a time: the words and their codes stay in cache."""


def draw(sigma: float, seed: int, dims: int, start: int, stop: int, out: np.ndarray) -> None:
    """Write the codes of tokens start ... stop - 1 into `out`, uint16 (stop - start, dims)."""
    table = thresholds(sigma)
    flat = out.reshape(-1)
    for begin in range(start * dims, stop * dims, _ELEMENTS):
        count = min(_ELEMENTS, stop * dims - begin)

        def low(positions: np.ndarray, begin: int = begin) -> np.ndarray:
            places = begin + positions
            return np.array([words32(seed, Stream.CLOUD_LOW, int(i), 1)[0] for i in places], "u4")

        high = words32(seed, Stream.CLOUD, begin, count)
        offset = begin - start * dims
        flat[offset : offset + count] = table.codes_lazily(high, low)
