"""A cloud whose tokens are placed in the classes of a motion: what is counted and summed of it.

open dimension  one in which tokens are in several classes; in the others, which are settled, all
                are in one
"""

import numpy as np

from drift.kernels.exact_sum import LIMBS
from drift.sim.batches.motion_classes import PACKED, MotionClasses
from drift.sim.batches.token_classes import TokenClasses, ranges
from drift.sim.clouds.sorted_words import SortedWords
from drift.sim.sampling.thresholds import Thresholds

_SIGN = 1 << (PACKED - 1)


class PlacedCloud:
    """The cloud that `thresholds` draw from `words`, in the classes of `motion`.

    `ends`, int64 (2, dims), are the outermost coordinates that are drawn. `survivor_ranks`, int64
    (tokens,), are those of sim.clouds.drawn; None where all tokens stay.
    """

    def __init__(
        self,
        words: SortedWords,
        thresholds: Thresholds,
        motion: MotionClasses,
        ends: np.ndarray,
        survivor_ranks: np.ndarray | None,
    ):
        self._words, self._thresholds, self._motion = words, thresholds, motion
        self._ranks = survivor_ranks
        first, last = motion.spans(ends)
        self._open = np.flatnonzero(first != last)
        self._settled = np.flatnonzero(first == last)
        self._settled_class = first[self._settled]
        starts, stops = first[self._open], last[self._open] + 1
        self._classes = ranges(starts, stops)
        """int64 (open classes,): the classes of the open dimensions that tokens may be in"""
        self._bounds = np.concatenate([[0], np.cumsum(stops - starts)])
        self._dim_of = np.repeat(self._open, stops - starts)
        self._begin, self._end = self._places()

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the places in which each open class begins and ends, int64 (open classes,)."""
        outermost = self._bounds[:-1]
        inner = np.ones(len(self._classes), bool)
        inner[outermost] = False
        begin = np.zeros(len(self._classes), np.int64)
        lowest = self._motion.lowest[self._classes[inner]]
        begin[inner] = self._words.places(self._dim_of[inner], lowest, self._thresholds)
        end = np.append(begin[1:], 0)
        end[self._bounds[1:] - 1] = self._words.tokens.shape[1]
        return begin, end

    def token_classes(self) -> TokenClasses:
        """Return the classes of every token, also of those that have left."""
        ranks, tokens = self._motion.ranks.take(self._classes, axis=1), self._words.tokens
        return TokenClasses(tokens[self._open], self._end - self._begin, self._bounds, ranks)

    def observe(self, exponent: int, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the exact sums of the tokens at each step of the motion, and how many stalled.

        The sums are int64 (LIMBS, steps, dims), the coordinates that the step left where they were
        int64 (steps,). `alive`, int64 (steps,), are the tokens that are present.
        """
        limbs, motion = self._motion.limbs(exponent), self._motion
        sums = np.empty((*limbs.shape[:2], motion.motion.dims), np.int64)
        sums[:, :, self._settled] = limbs.take(self._settled_class, axis=2) * alive[:, None]
        stalled = motion.stalled.take(self._settled_class, axis=1).sum(axis=1) * alive
        if len(self._open):
            here = self._present(self._dim_of, self._begin, self._end, alive)
            weighted = limbs.take(self._classes, axis=2)
            weighted *= here
            sums[:, :, self._open] = np.add.reduceat(weighted, self._bounds[:-1], axis=2)
            stays = motion.stalled.take(self._classes, axis=1)
            stalled += stays @ here[0] if len(here) == 1 else (stays * here).sum(axis=1)
        if motion.fixed is not None:
            stalled[0] += self._count(motion.fixed, alive[:1])
        low = ((sums & (2 * _SIGN - 1)) ^ _SIGN) - _SIGN  # the lower limb, with its sign
        parted = np.stack([low, (sums - low) >> PACKED], axis=1)
        return parted.reshape(LIMBS, *sums.shape[1:]), stalled.astype(np.int64)

    def _count(self, fixed: np.ndarray, alive: np.ndarray) -> int:
        """Count the coordinates of present tokens that are `fixed`: their dimensions and values."""
        dims, values = fixed
        begin, end = (self._words.places(dims, at, self._thresholds) for at in (values, values + 1))
        return int(self._present(dims, begin, end, alive).sum())

    def _present(
        self, dims: np.ndarray, begin: np.ndarray, end: np.ndarray, alive: np.ndarray
    ) -> np.ndarray:
        """Count the tokens that are present between places, int64 (steps, n); (1, n) if all are."""
        if self._ranks is None:
            return (end - begin)[None]
        there, row = np.unique(dims, return_inverse=True)
        ranks = self._ranks[self._words.tokens[there]]
        found = np.empty((len(alive), len(dims)), np.int64)
        for mine, count in zip(found, alive.tolist(), strict=True):
            below = np.zeros((len(there), ranks.shape[1] + 1), np.int64)
            np.cumsum(ranks < count, axis=1, out=below[:, 1:])
            mine[:] = below[row, end] - below[row, begin]
        return found
