"""Clouds whose tokens are placed in the classes of motions: what is counted and summed of them.

pair  a cloud and a motion that it takes
spot  a dimension of a pair: those of the first pair come first
open  of a spot: tokens are in several classes. In the others, which are settled, all are in one
"""

import numpy as np

from drift.sim.batches.motion_classes import PACKED, MotionClasses
from drift.sim.batches.seed_cloud import SeedCloud
from drift.sim.batches.sides import Boundaries
from drift.sim.clouds.sorted_words import SortedWords

_SIGN = 1 << (PACKED - 1)


class PlacedClouds:
    """The `clouds`, drawn from `words`, each in the classes of its motion, given by its number."""

    def __init__(
        self,
        words: SortedWords,
        motions: MotionClasses,
        clouds: list[SeedCloud],
        numbers: list[int],
    ):
        self._words, self._motions, self._clouds = words, motions, clouds
        self._dims = dims = clouds[0].drift.dims
        of_dims = np.arange(dims)
        self._word_row = (np.array([[cloud.seed] for cloud in clouds]) * dims + of_dims).ravel()
        self._motion_row = (np.array(numbers)[:, None] * dims + of_dims).ravel()
        ends = np.stack([cloud.ends for cloud in clouds], axis=1).reshape(2, -1)
        first, last = motions.classes(self._motion_row, ends)
        self._settled_class = first
        self._open = np.flatnonzero(first != last)
        starts, stops = first[self._open], last[self._open] + 1
        self._classes = ranges(starts, stops)
        """int64 (open classes,): the classes of the open spots that tokens may be in"""
        self._bounds = np.cumsum(stops - starts) - (stops - starts)
        self._spot = np.repeat(self._open, stops - starts)
        self._inner = np.ones(len(self._classes), bool)
        self._inner[self._bounds] = False
        self._begin, self._end = self._places()

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the places in which each open class begins and ends, int64 (open classes,)."""
        begin, inner = np.zeros(len(self._classes), np.int64), self._inner
        spots, lowest = self._spot[inner], self._motions.lowest[self._classes[inner]]
        begin[inner] = self._placed(spots, lowest)
        end = np.empty_like(begin)
        end[:-1] = begin[1:]
        end[self._bounds[1:] - 1] = end[-1:] = self._words.positions.shape[1]
        return begin, end

    def _placed(self, spots: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return how many tokens are below the coordinate of each of `spots`, which rise."""
        bounds = np.searchsorted(spots, np.arange(len(self._clouds) + 1) * self._dims)
        keys = [
            cloud.thresholds.first_keys(coordinates[bounds[k] : bounds[k + 1]])
            for k, cloud in enumerate(self._clouds)
        ]
        upper, lower = (np.concatenate(halves) for halves in zip(*keys, strict=True))
        return self._words.places(self._word_row[spots], upper, lower)

    @property
    def boundaries(self) -> Boundaries:
        """The boundaries between the classes that tokens are in."""
        inner = np.flatnonzero(self._inner)
        spots = self._spot[inner]
        here, below = self._classes[inner], self._classes[inner] - 1
        ranks = self._motions.ranks
        return Boundaries(
            spots // self._dims,
            self._word_row[spots],
            self._begin[inner],
            ranks.take(here, axis=1) != ranks.take(below, axis=1),
        )

    def observe(self, exponent: int, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the exact sums of the tokens at each step of the motions, and how many stalled.

        The sums are int64 (limbs, pairs, steps, dims), without the last two limbs where these are
        0, the coordinates that the step left where they were int64 (pairs, steps). `alive`, int64
        (steps,), are the tokens that are present.
        """
        motions, pairs = self._motions, len(self._clouds)
        limbs = motions.limbs(exponent)
        fine = motions.fine(exponent)
        if not (fine[self._settled_class].any() or fine[self._classes].any()):
            limbs = limbs[:1]
        sums = limbs.take(self._settled_class, axis=2)
        sums *= alive[:, None]
        stalled = motions.stalled.take(self._settled_class, axis=1)
        stalled[:, self._open] = False
        of_pairs = stalled.reshape(len(alive), pairs, -1).sum(axis=2) * alive[:, None]
        if len(self._open):
            here = self._present(self._spot, self._begin, self._end, alive)
            weighted = limbs.take(self._classes, axis=2)
            weighted *= here
            sums[:, :, self._open] = np.add.reduceat(weighted, self._bounds, axis=2)
            stays = motions.stalled.take(self._classes, axis=1) * here
            # Of a pair without open spots there is nothing to add.
            first, mine = np.unique(self._spot // self._dims, return_index=True)
            of_pairs[:, first] += np.add.reduceat(stays, mine, axis=1)
        of_pairs = of_pairs.T.copy()
        if motions.fixed is not None:
            of_pairs[:, 0] += self._count(motions.fixed, alive[:1])
        parted = np.empty((2 * len(limbs), pairs, len(alive), self._dims), np.int64)
        by_pair = np.moveaxis(sums.reshape(len(limbs), len(alive), pairs, -1), 2, 1)
        low = ((by_pair & (2 * _SIGN - 1)) ^ _SIGN) - _SIGN  # the lower limb, with its sign
        parted[0::2] = low
        parted[1::2] = (by_pair - low) >> PACKED
        return parted, of_pairs

    def _count(self, fixed: np.ndarray, alive: np.ndarray) -> np.ndarray:
        """Count the coordinates of present tokens that are `fixed`, rows and values, by pair."""
        rows, values = fixed
        first = self._motion_row[:: self._dims]
        starts, stops = (np.searchsorted(rows, at) for at in (first, first + self._dims))
        which = ranges(starts, stops)
        pair = np.repeat(np.arange(len(first)), stops - starts)
        spots = rows[which] - first[pair] + pair * self._dims
        begin, end = (self._placed(spots, values[which] + more) for more in (0, 1))
        here = self._present(spots, begin, end, alive)[0]
        return np.bincount(pair, here, len(first)).astype(np.int64)

    def _present(
        self, spots: np.ndarray, begin: np.ndarray, end: np.ndarray, alive: np.ndarray
    ) -> np.ndarray:
        """Count the tokens that are present between places, int64 (steps, n); (1, n) if all are."""
        if self._clouds[0].survivor_ranks is None:
            return (end - begin)[None]
        there, row = np.unique(spots, return_inverse=True)
        leaving = np.array([cloud.survivor_ranks for cloud in self._clouds])
        tokens = self._words.tokens[self._word_row[there]]
        ranks = leaving[(there // self._dims)[:, None], tokens]
        found = np.empty((len(alive), len(spots)), np.int64)
        for mine, count in zip(found, alive.tolist(), strict=True):
            below = np.zeros((len(there), ranks.shape[1] + 1), np.int64)
            np.cumsum(ranks < count, axis=1, out=below[:, 1:])
            mine[:] = below[row, end] - below[row, begin]
        return found


def ranges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the numbers starts[i] ... ends[i] - 1 of every i, one range after another, int64."""
    sizes = ends - starts
    before = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
