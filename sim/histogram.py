"""How many values of two matrices lie how far apart.

distance    of two values: the difference of their lattice coordinates, without
            sign; 0 between -0 and +0
comparable  both values are finite; others have no distance
long        a distance of 65,536 or more, as float32 alone has it: counted under
            the power of two at or below it
"""

import threading

import numpy as np

from drift.kernels.formats import Format

LONG = 1 << 16
_BINS = LONG + 16
"""Every distance that is not long, then one for each power of two."""


def distances(a: np.ndarray, b: np.ndarray, target: Format) -> np.ndarray:
    """Distances of comparable codes, in the storage type of `target`, which holds them all."""
    low, high = target.ordinal(a), target.ordinal(b)
    return np.maximum(low, high) - np.minimum(low, high)


class Histogram:
    """Counts of distances; several threads may add to it."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._lock = threading.Lock()

    def add(self, apart: np.ndarray) -> None:
        """Count distances, of any shape."""
        bins = apart.ravel()
        if apart.dtype.itemsize > 2:
            bins = bins.astype(np.int64)
            long = bins >= LONG
            bins[long] = LONG + np.frexp(bins[long].astype(np.float64))[1] - 17
        found = np.bincount(bins)
        with self._lock:
            self._counts[: len(found)] += found

    def add_zeros(self, count: int) -> None:
        """Count values that are alike."""
        with self._lock:
            self._counts[0] += count

    def counts(self) -> dict[int, int]:
        """How often each distance occurs that does, rising; of long ones, each power of two."""
        there = np.flatnonzero(self._counts)
        keys = np.where(there < LONG, there, LONG << np.maximum(there - LONG, 0))
        return dict(zip(keys.tolist(), self._counts[there].tolist(), strict=True))
