"""The cloud of a seed and a sigma: its ends, its thresholds, and what is counted at step 0."""

from functools import cached_property

import numpy as np

from drift.sim.clouds import drawn
from drift.sim.clouds.sorted_words import SortedWords
from drift.sim.counting.cells import CellCounts, count_rows
from drift.sim.motions.since import sums_of
from drift.sim.sampling.thresholds import thresholds
from drift.sim.spec.drift import Drift


class SeedCloud:
    """The cloud of the seed and the sigma of `drift`, at step 0; `seed` is its number in `words`.

    `ends`, int64 (2, dims), are the lowest and the highest coordinate in each dimension. Raises
    BadInput where a draw rounds beyond the largest finite value.
    """

    def __init__(self, drift: Drift, seed: int, words: SortedWords, ends: np.ndarray):
        assert drift.sigma is not None, "the cloud is a checkpoint's"
        self.drift, self.seed, self.ends, target = drift, seed, ends, drift.target
        self._words = words
        self.thresholds = thresholds(drift.sigma, target, drift.smallest_drawn)
        farthest = np.abs(ends).max(axis=0)
        drawn.refuse_beyond(drift.sigma, target, int(farthest.max()) > target.largest_magnitude)
        self.extent = target.value(farthest)
        """float64 (dims,): the largest magnitudes"""
        stay = drift.survivors is None
        self.survivor_ranks = None if stay else drawn.survivor_ranks(drift)
        """int64 (tokens,), see sim.clouds.drawn; None where all tokens stay"""
        self._limbs: dict[int, np.ndarray] = {}

    def extremes(self) -> np.ndarray:
        """Return the smallest and the largest value in each dimension, float64 (2, dims)."""
        target = self.drift.target
        return target.value(target.code_at(self.ends))

    @cached_property
    def _codes(self) -> np.ndarray:
        drift, high = self.drift, self._words.upper_halves(self.seed)
        assert drift.sigma is not None, "the cloud is a checkpoint's"
        table = drift.sigma, drift.target, drift.smallest_drawn
        return drawn.codes_of_words(high, drift.seed, *table, 0).reshape(drift.tokens, drift.dims)

    @cached_property
    def cells(self) -> dict[str, int]:
        """The counts of the cells, by their names in the JSON."""
        # Eight bytes of each token tell nearly all clouds' tokens apart; -0 is not drawn.
        few = self._codes[:, : 8 // self._codes.itemsize]
        if few.shape[1] * few.itemsize == 8:
            numbers = np.sort(few.copy().view(np.uint64)[:, 0])
            if np.all(numbers[1:] != numbers[:-1]):
                alone = np.ones(len(numbers), np.int64)
                return CellCounts(alone, np.arange(len(numbers))).counts()
        return count_rows(self._codes, self.drift.target).counts()

    def limbs(self, exponent: int) -> np.ndarray:
        """Return the exact sums of the tokens on a grid, int64 (LIMBS, dims)."""
        if exponent not in self._limbs:
            self._limbs[exponent] = sums_of(self._codes, self.drift.target, exponent)
        return self._limbs[exponent]
