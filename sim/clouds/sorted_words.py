"""The random words of a drawn cloud, sorted in each dimension: classes are counted, not drawn.

A coordinate is a monotone function of its word, by sim.sampling.thresholds, for every sigma.
So the tokens of an interval of values stand side by side where the words of a dimension are sorted,
and how many there are is a difference of two places. One sorting serves every sigma and motion.

key    a word as a number that rises with the value drawn from it
place  of a boundary between values: the number of tokens of the dimension that are below it
"""

from functools import cached_property

import numpy as np

from drift.sim.sampling.philox import Stream, words32
from drift.sim.sampling.thresholds import Thresholds, keys_of

_HALF = np.uint64(32)


class SortedWords:
    """The words of the clouds of `seed` with so many `tokens` and `dims`, of 16 bits or fewer."""

    def __init__(self, seed: int, tokens: int, dims: int):
        self._seed, self._tokens, self._dims = seed, tokens, dims
        self._shift = np.uint64(max(1, (tokens - 1).bit_length()))
        self._high = words32(seed, Stream.CLOUD, 0, tokens * dims).reshape(tokens, dims)
        # One number holds a dimension, the upper half of a key, and a token: it is sorted as it is.
        keyed = keys_of(np.ascontiguousarray(self._high.T)).astype(np.uint64)
        keyed <<= self._shift
        keyed |= np.arange(tokens, dtype=np.uint64)
        keyed.sort(axis=1)
        keyed |= self._of_dims(np.arange(dims))[:, None]
        self._keyed = np.append(keyed.ravel(), ~np.uint64(0))
        self._order_ties()

    def _of_dims(self, dims: np.ndarray) -> np.ndarray:
        """Return what stands before the keys of each of `dims`."""
        return dims.astype(np.uint64) << (_HALF + self._shift)

    def _order_ties(self) -> None:
        """Sort tokens whose upper halves are one by the lower ones: they are seldom needed."""
        upper = self._keyed[:-1] >> self._shift
        again = np.flatnonzero(upper[1:] == upper[:-1])
        for first, last in _runs(again):
            run = self._keyed[first : last + 1]
            keys = [self._key(first, each) for each in run.tolist()]
            self._keyed[first : last + 1] = run[np.argsort(np.array(keys, np.uint64))]

    def _key(self, place: int, keyed: int) -> int:
        """Return the whole key of the token `keyed`, of the dimension that `place` is in."""
        dim = place // self._tokens
        token = keyed & ((1 << int(self._shift)) - 1)
        low = words32(self._seed, Stream.CLOUD_LOW, token * self._dims + dim, 1)[0]
        word = (np.uint64(self._high[token, dim]) << _HALF) | np.uint64(low)
        return int(keys_of(np.array([word]))[0])

    @cached_property
    def tokens(self) -> np.ndarray:
        """The tokens of each dimension, by their words, int64 (dims, tokens)."""
        mask = (np.uint64(1) << self._shift) - np.uint64(1)
        return (self._keyed[:-1] & mask).view(np.int64).reshape(self._dims, self._tokens)

    def ends(self, thresholds: Thresholds) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest coordinates that are drawn in each dimension, int64."""
        dims = np.arange(self._dims)
        found = []
        for place in (0, self._tokens - 1):
            tokens = self.tokens[:, place]

            def low(positions: np.ndarray, tokens: np.ndarray = tokens) -> np.ndarray:
                elements = tokens[positions] * self._dims + positions
                drawn = [words32(self._seed, Stream.CLOUD_LOW, i, 1)[0] for i in elements.tolist()]
                return np.array(drawn, np.uint32)

            found.append(thresholds.coordinates_lazily(self._high[tokens, dims], low))
        return found[0], found[1]

    def places(
        self, dims: np.ndarray, coordinates: np.ndarray, thresholds: Thresholds
    ) -> np.ndarray:
        """Return how many tokens are below lattice `coordinates[i]` in `dims[i]`, int64 (n,)."""
        upper, lower = thresholds.first_keys(coordinates)
        wanted = self._of_dims(dims) + (upper << self._shift)
        places = np.searchsorted(self._keyed, wanted)
        # The upper half decides, but where a token has the very one of the boundary.
        tied = (self._keyed[places] >> self._shift) == (wanted >> self._shift)
        for i in np.flatnonzero(tied & (lower > 0)).tolist():
            first = (int(upper[i]) << 32) | int(lower[i])
            place, same = int(places[i]), wanted[i] >> self._shift
            while self._keyed[place] >> self._shift == same and (
                self._key(place, int(self._keyed[place])) < first
            ):
                place += 1
            places[i] = place
        return places - dims * self._tokens


def _runs(again: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and the last place of each run, where place i + 1 repeats i `again`."""
    runs: list[tuple[int, int]] = []
    for i in again.tolist():
        if runs and runs[-1][1] == i:
            runs[-1] = runs[-1][0], i + 1
        else:
            runs.append((i, i + 1))
    return runs
