"""The random words of a drawn cloud, sorted in each dimension: classes are counted, not drawn.

A coordinate is a monotone function of its word, by sim.sampling.thresholds, for every sigma.
So the tokens of an interval of values stand side by side where the words of a dimension are sorted,
and how many there are is a difference of two places. One sorting serves every sigma and motion.

key    a word as a number that rises with the value drawn from it
row    a dimension of the cloud of a seed: those of the first seed come first
place  of a boundary between values: the number of tokens of the row that are below it
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import cached_property

import numpy as np

from drift.sim.sampling.philox import Stream, words32
from drift.sim.sampling.thresholds import Thresholds, keys_of

_HALF = np.uint64(32)


class SortedWords:
    """The words of the clouds of `seeds` with so many `tokens` and `dims`, of 16 bits or fewer.

    Threads of `pool` share the work where it is given.
    """

    def __init__(self, seeds: Sequence[int], tokens: int, dims: int, pool: Executor | None = None):
        self._seeds, self._tokens, self._dims = list(seeds), tokens, dims
        self._rows = len(self._seeds) * dims
        self._shift = np.uint64(max(1, (tokens - 1).bit_length()))
        self._high = np.empty((len(self._seeds), tokens, dims), np.uint32)
        # After the last one, what is above every word.
        self._keyed = np.full(self._rows * tokens + 1, ~np.uint64(0))
        list((pool.map if pool else map)(self._sort, range(len(self._seeds))))
        self._order_ties()

    def _sort(self, k: int) -> None:
        """Draw and sort the words of a seed."""
        tokens, dims = self._tokens, self._dims
        self._high[k] = words32(self._seeds[k], Stream.CLOUD, 0, tokens * dims).reshape(tokens, -1)
        # One number holds a row, the upper half of a key, and a token: it is sorted as it is.
        keyed = keys_of(np.ascontiguousarray(self._high[k].T)).astype(np.uint64)
        keyed <<= self._shift
        keyed |= np.arange(tokens, dtype=np.uint64)
        keyed.sort(axis=1)
        keyed |= self._of_rows(np.arange(k * dims, (k + 1) * dims))[:, None]
        self._keyed[k * keyed.size : (k + 1) * keyed.size] = keyed.ravel()

    def _of_rows(self, rows: np.ndarray) -> np.ndarray:
        """Return what stands before the keys of each of `rows`."""
        return rows.astype(np.uint64) << (_HALF + self._shift)

    def _order_ties(self) -> None:
        """Sort tokens whose upper halves are one by the lower ones: they are seldom needed."""
        upper = self._keyed[:-1] >> self._shift
        again = np.flatnonzero(upper[1:] == upper[:-1])
        for first, last in _runs(again):
            run = self._keyed[first : last + 1]
            keys = [self._key(first, each) for each in run.tolist()]
            self._keyed[first : last + 1] = run[np.argsort(np.array(keys, np.uint64))]

    def _key(self, place: int, keyed: int) -> int:
        """Return the whole key of the token `keyed`, of the row that `place` is in."""
        k, dim = divmod(place // self._tokens, self._dims)
        token = keyed & ((1 << int(self._shift)) - 1)
        low = words32(self._seeds[k], Stream.CLOUD_LOW, token * self._dims + dim, 1)[0]
        word = (np.uint64(self._high[k, token, dim]) << _HALF) | np.uint64(low)
        return int(keys_of(np.array([word]))[0])

    def upper_halves(self, seed: int) -> np.ndarray:
        """Return the upper halves of the words of the seed of that number, uint32 (n,)."""
        return self._high[seed].ravel()

    def words(self, seed: int) -> np.ndarray:
        """Return the whole words of the seed of that number, uint64 (n,)."""
        high = self.upper_halves(seed).astype(np.uint64) << _HALF
        return high | words32(self._seeds[seed], Stream.CLOUD_LOW, 0, len(high))

    @cached_property
    def tokens(self) -> np.ndarray:
        """The tokens of each row, by their words, int64 (rows, tokens)."""
        mask = (np.uint64(1) << self._shift) - np.uint64(1)
        return (self._keyed[:-1] & mask).view(np.int64).reshape(self._rows, self._tokens)

    @cached_property
    def positions(self) -> np.ndarray:
        """The number of tokens of a row below each of its tokens by their words, (rows, tokens)."""
        number = np.int16 if self._tokens <= np.iinfo(np.int16).max else np.int32
        found = np.empty((self._rows, self._tokens), number)
        rising = np.broadcast_to(np.arange(self._tokens, dtype=number), found.shape)
        np.put_along_axis(found, self.tokens, rising, axis=1)
        return found

    def ends(self, thresholds: Thresholds) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest coordinates that are drawn in each row, int64."""
        seed, dim = np.divmod(np.arange(self._rows), self._dims)
        found = []
        for place in (0, self._tokens - 1):
            tokens = self.tokens[:, place]
            elements = tokens * self._dims + dim

            def low(rows: np.ndarray, elements: np.ndarray = elements) -> np.ndarray:
                asked = zip(seed[rows].tolist(), elements[rows].tolist(), strict=True)
                drawn = [words32(self._seeds[k], Stream.CLOUD_LOW, i, 1)[0] for k, i in asked]
                return np.array(drawn, np.uint32)

            high = self._high[seed, tokens, dim]
            found.append(thresholds.coordinates_lazily(high, low))
        return found[0], found[1]

    def places(self, rows: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Return how many tokens of each of `rows` have keys below a least one, int64 (n,).

        The least keys are given in halves, as sim.sampling.thresholds gives those of coordinates.
        """
        wanted = self._of_rows(rows) + (upper << self._shift)
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
        return places - rows * self._tokens


def _runs(again: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and the last place of each run, where place i + 1 repeats i `again`."""
    runs: list[tuple[int, int]] = []
    for i in again.tolist():
        if runs and runs[-1][1] == i:
            runs[-1] = runs[-1][0], i + 1
        else:
            runs.append((i, i + 1))
    return runs
