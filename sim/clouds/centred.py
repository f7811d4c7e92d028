"""Codes of Q(centre + sigma * Z), rounded once, from words, where each dimension has a centre.

A word's key (sim.sampling.thresholds) is compared with

    L[b] = round(2**64 * P(Z < (b - centre) / sigma)),

for the boundaries b between the values of the format, so a value's probability is a difference of
two of them. Where the centre is 0 these are the thresholds there, and so are the codes.

A dimension's boundaries may be many, and few are ever needed: centre + sigma * Z in float64 tells
the value, but where it is as near to a boundary as its error, and there the key decides.
"""

from functools import cached_property

import numpy as np

from drift.kernels.formats import FLOAT32, Format
from drift.sim.matrix import nearest
from drift.sim.sampling.shapes import Shape
from drift.sim.sampling.thresholds import keys_of

_HALF = np.uint64(1 << 63)


class CentredThresholds:
    """The values drawn with `sigma` around `centre`, float64 (dims,), in a format.

    Magnitudes below `smallest` become +0.
    """

    def __init__(
        self, centre: np.ndarray, sigma: float, target: Format, smallest: float, shape: Shape
    ):
        self._centre, self._sigma, self._target = centre, sigma, target
        self._smallest, self._shape = smallest, shape
        self._beyond = target.largest_magnitude + 1

    def coordinates(self, words: np.ndarray) -> np.ndarray:
        """Return lattice coordinates, int64 (rows, dims), for uint64 `words` of that shape.

        The coordinate after the largest, of either sign, stands for all that rounds beyond it.
        """
        z = self._shape.numbers(words)
        exact = self._centre + self._sigma * z
        found = self._rounded(exact)
        with np.errstate(divide="ignore"):
            tails = np.ldexp((words & (_HALF - np.uint64(1))).astype(np.float64), -64)
            lost = self._sigma * (2.0**-52 / tails + 1e-13 * (1 + np.abs(z)))
        lost += 2.0**-49 * np.abs(self._centre)
        unsure = (exact - lost < self._boundary(found)) | (
            exact + lost >= self._boundary(found + 1)
        )
        rows, dims = np.nonzero(unsure)
        if len(rows):
            keys = keys_of(np.ascontiguousarray(words[rows, dims]))
            found[rows, dims] = self._decided(keys, dims, found[rows, dims])
        found[np.abs(self._values(found)) < self._smallest] = 0
        return found

    def _rounded(self, exact: np.ndarray) -> np.ndarray:
        """Return the coordinates of float64 values, or their neighbours'."""
        target, edge = self._target, self._boundary(np.array(self._beyond))
        inside = np.clip(exact, -target.largest, target.largest)
        with np.errstate(under="ignore"):
            found = target.coordinate(nearest(inside.astype(np.float32), target))
        return np.where(np.abs(exact) >= edge, np.copysign(self._beyond, exact), found).astype("i8")

    def _decided(self, keys: np.ndarray, dims: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Return the coordinates of `keys` in `dims`, (n,) each; `found` are near them."""
        left = np.arange(len(keys))
        while len(left):
            at, here, key = found[left], dims[left], keys[left]
            low = ~self._reaches(key, at, here) & (at > -self._beyond)
            high = self._reaches(key, at + 1, here) & (at < self._beyond)
            found[left] += high.astype(np.int64) - low
            left = left[high | low]
        return found

    def _reaches(self, keys: np.ndarray, at: np.ndarray, dims: np.ndarray) -> np.ndarray:
        """Return whether each key gives the value of coordinate `at`, or one above it, bool."""
        width = 2 * self._beyond + 2
        pairs, of = np.unique(dims * width + (at + self._beyond), return_inverse=True)
        least, never = self.least_keys(pairs % width - self._beyond, pairs // width)
        return (keys >= least[of]) & ~never[of]

    def least_keys(self, at: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the L of the boundary below each coordinate in its dimension, uint64 (n,).

        And whether no key reaches it, bool (n,): where L is 2**64, and 0 is given.
        """
        with np.errstate(over="ignore"):
            z = (self._boundary(at) - self._centre[dims]) / self._sigma
        inside, outside = self._shape.masses(np.minimum(np.abs(z), self._shape.most))
        # Each from the smaller of the two masses, which is the exact one.
        near = np.rint(2.0**63 * np.minimum(inside, 0.5)).astype(np.uint64)
        tail = np.rint(2.0**63 * np.minimum(outside, 0.5)).astype(np.uint64)
        below = np.where(inside < 0.5, _HALF - near, tail)
        return np.where(z < 0, below, np.uint64(0) - below), (z >= 0) & (below == 0)

    def _boundary(self, at: np.ndarray) -> np.ndarray:
        """Return the midpoint below the value of each coordinate, float64."""
        if self._target == FLOAT32:
            return (self._values(at - 1) + self._values(at)) / 2
        return self._boundaries[np.clip(at + self._beyond, 0, len(self._boundaries) - 1)]

    @cached_property
    def _boundaries(self) -> np.ndarray:
        every = self._target.magnitudes()
        middles = (every[:-1] + every[1:]) / 2
        infinite = np.array([np.inf])
        return np.concatenate([-infinite, -middles[::-1], middles, infinite])

    def _values(self, at: np.ndarray) -> np.ndarray:
        if self._target != FLOAT32:
            return np.copysign(self._magnitudes[np.abs(at)], at)
        return np.where(at < 0, -1.0, 1.0) * self._target.value(np.abs(at))

    @cached_property
    def _magnitudes(self) -> np.ndarray:
        return self._target.magnitudes()
