"""The cloud of a seed and a sigma: its ends, its thresholds, and what is counted at step 0."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from drift.kernels.exact_sum import limb_sums_of
from drift.sim.clouds import drawn
from drift.sim.clouds.sorted_words import SortedWords
from drift.sim.counting.cells import CellCounts, count_rows
from drift.sim.matrix import nearest
from drift.sim.sampling.scaled import ScaledNormal
from drift.sim.sampling.thresholds import thresholds
from drift.sim.spec.drift import Drift


class SeedCloud:
    """The cloud of the seed and the sigma of `drift`, at step 0; `seed` is its number in `words`.

    `ends`, int64 (2, dims), are the lowest and the highest coordinate in each dimension. `scaled`
    gives the normal numbers of a seed where they are at hand. Raises BadInput where a draw rounds
    beyond the largest finite value.
    """

    def __init__(
        self,
        drift: Drift,
        seed: int,
        words: SortedWords,
        ends: np.ndarray,
        scaled: Callable[[int], ScaledNormal] | None = None,
    ):
        assert drift.sigma is not None, "the cloud is a checkpoint's"
        self.drift, self.seed, self.ends, target = drift, seed, ends, drift.target
        self._words, self._sigma = words, drift.sigma
        self._scaled = scaled if ScaledNormal.supports(drift.sigma, target) else None
        self.thresholds = thresholds(drift.sigma, target, drift.smallest_drawn)
        farthest = np.abs(ends).max(axis=0)
        drawn.refuse_beyond(drift.sigma, target, int(farthest.max()) > target.largest_magnitude)
        self.extent = target.value(farthest)
        """float64 (dims,): the largest magnitudes"""
        stay = drift.survivors is None
        self.survivor_ranks = None if stay else drawn.survivor_ranks(drift)
        """int64 (tokens,), see sim.clouds.drawn; None where all tokens stay"""
        self._limbs: dict[int, np.ndarray] = {}
        self._few: np.ndarray | None = None
        """the codes of the first dimensions"""
        # Eight bytes of each token tell nearly all clouds' tokens apart; -0 is not drawn.
        self._telling = 8 // target.storage.itemsize

    def extremes(self) -> np.ndarray:
        """Return the smallest and the largest value in each dimension, float64 (2, dims)."""
        target = self.drift.target
        return target.value(target.code_at(self.ends))

    @cached_property
    def _from_table(self) -> np.ndarray:
        """The codes, (tokens, dims), by the table of thresholds."""
        drift, high = self.drift, self._words.upper_halves(self.seed)
        table = self._sigma, drift.target, drift.smallest_drawn
        return drawn.codes_of_words(high, drift.seed, *table, 0).reshape(drift.tokens, drift.dims)

    def _values(self) -> np.ndarray:
        """Return the values, float32 (tokens, dims), in an array that may be written over."""
        drift = self.drift
        if self._scaled is None:
            return self._from_table.view(drift.target.dtype).astype(np.float32)
        values = self._scaled(self.seed).values(self._sigma, self.thresholds)
        values = values.reshape(drift.tokens, drift.dims)
        self._few = nearest(values[:, : self._telling], drift.target)
        return values

    def _codes(self) -> np.ndarray:
        """Return the codes, (tokens, dims)."""
        if self._scaled is None:
            return self._from_table
        return nearest(self._values(), self.drift.target)

    @cached_property
    def cells(self) -> dict[str, int]:
        """The counts of the cells, by their names in the JSON."""
        if self._few is None:
            self._few = self._codes()[:, : self._telling].copy()
        if self._few.shape[1] == self._telling:
            numbers = np.sort(self._few.view(np.uint64)[:, 0])
            if np.all(numbers[1:] != numbers[:-1]):
                alone = np.ones(len(numbers), np.int64)
                return CellCounts(alone, np.arange(len(numbers))).counts()
        return count_rows(self._codes(), self.drift.target).counts()

    def limbs(self, exponent: int) -> np.ndarray:
        """Return the exact sums of the tokens on a grid, int64 (LIMBS, dims)."""
        if exponent not in self._limbs:
            scale, largest = np.float32(np.ldexp(1.0, exponent)), float(self.extent.max())
            self._limbs[exponent] = limb_sums_of(self._values(), None, scale, largest=largest)
        return self._limbs[exponent]
