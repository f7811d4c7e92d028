"""Small clouds that take equal displacements: a value goes where it goes in all of them.

member  one of the clouds (sim.members); their tokens are numbered one after another
start   all values that occur, in every dimension as far out as a member reaches there
base    the classes (kernels.value_map) at the first record after step 0, cut where its last
        step begins or ceases to leave values where they are. All later classes are made
        of base classes, so every token is looked at once and base classes afterwards
"""

import numpy as np

from drift.kernels.exact_sum import LIMBS, MOST_ROWS
from drift.kernels.value_map.classes import Front
from drift.kernels.value_map.iterate import Following
from drift.sim.alike_start import Start
from drift.sim.columns import Columns
from drift.sim.leap import limbs_by_place
from drift.sim.schedule import displacements


class Alike:
    """The clouds of `start`, moved from look to look."""

    def __init__(self, start: Start):
        self._members, self._of = start.cloud.members, start.cloud.of
        drift, u = self._members[0].drift, self._members[0].u
        self._target, self._codes = start.target, start.columns
        self._present = np.ones(len(self._of), bool)
        self._start = self._front = _front(start)

        def block(first: int, last: int) -> np.ndarray:
            return displacements(drift, u, first, last)

        self._motion = Following(self._start, block, (0, drift.steps), self._target, drift.rounding)
        self._base: Front | None = None

    def look(self, step: int, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move on to `step`, and look at the tokens that are `present`, bool (tokens,).

        Returns how many coordinates of each member the last step left where they were,
        int64 (members,), and the exact sums of their tokens, integers (members, LIMBS, dims),
        each on its own grid: kernels.exact_sum. Tokens may leave but not come back.
        """
        self._front, still = self._motion.to(step)
        if self._base is None:
            self._base = _base(self._start, still, self._front)
            self.columns = self._classified(self._base)
            kind = np.int32 if self._members[0].drift.tokens <= MOST_ROWS else np.int64
            self._populations = self.columns.populations(len(self._members)).astype(kind)
        left = np.flatnonzero(self._present & ~present)
        if len(left):
            gone = self.columns.populations_of(left, self._of[left], len(self._members))
            self._populations = self._populations - gone.astype(self._populations.dtype)
        self._present = present
        place = np.searchsorted(still.start, self._base.start, side="right") - 1
        stalled = self._populations[:, still.values[place]].sum(axis=1)
        return stalled, self._limbs()

    def numbers(self) -> np.ndarray:
        """Where each base class is by now, -0 being +0: rising in a dimension, (classes,)."""
        assert self._base is not None, "nobody has looked yet"
        front, zero = self._front, self._target.storage.type(self._target.sign)
        below = front.values == zero - self._target.storage.type(1)
        sizes = np.diff(self._of_base(front), append=len(self._base.start))
        return np.repeat(np.where(below, zero, front.values), sizes)

    def _classified(self, base: Front) -> Columns:
        """Every token in its base class."""
        kind, sign = np.min_scalar_type(base.sizes.max() - 1), self._target.sign
        columns = np.empty(self._codes.shape, kind)
        for dim, column in enumerate(columns):
            firsts = base.values[slice(*base.bounds[dim : dim + 2])].astype(np.int64)
            firsts[0] = 0  # nobody is below the first class
            sizes = np.diff(firsts, append=2 * sign)
            of_place = np.repeat(np.arange(len(firsts), dtype=kind), sizes)
            of_code = np.concatenate([of_place[sign:], of_place[:sign][::-1]])
            of_code.take(self._codes[dim], out=column, mode="clip")
        return Columns(columns, base.bounds)

    def _of_base(self, front: Front) -> np.ndarray:
        """The first base class that each class of a later `front` is made of, int64."""
        assert self._base is not None, "nobody has looked yet"
        return np.searchsorted(self._base.start, front.start)

    def _limbs(self) -> np.ndarray:
        front, kind = self._front, self._populations.dtype
        population = np.add.reduceat(self._populations, self._of_base(front), axis=1, dtype=kind)
        grids = np.array([member.exponent for member in self._members])
        sums = np.empty((len(grids), LIMBS, len(front.sizes)), kind)
        for grid in np.unique(grids).tolist():
            mine = grids == grid
            for k, limb in enumerate(limbs_by_place(self._target, grid)):
                weighted = population[mine] * limb.take(front.values).astype(kind)
                sums[mine, k] = np.add.reduceat(weighted, front.bounds[:-1], axis=1, dtype=kind)
        return sums


def _front(start: Start) -> Front:
    """The classes of the start."""
    values = start.target.value(start.target.code_in_place(start.places))
    lowest = np.searchsorted(values, -start.extent, side="left")
    sizes = np.searchsorted(values, start.extent, side="right") - lowest
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    every = np.arange(bounds[-1])
    return Front(bounds, every, start.places[every + np.repeat(lowest - bounds[:-1], sizes)])


def _base(start: Front, still: Front, front: Front) -> Front:
    """The base classes: those of `front`, cut where `still` begins and ends in a dimension."""
    cut = np.zeros(len(start.start) + 1, bool)
    cut[front.start] = True
    ends = np.append(still.start, len(start.start))
    cut[ends[:-1][still.values]] = cut[ends[1:][still.values]] = True
    at = np.flatnonzero(cut[:-1])
    return Front(np.searchsorted(at, start.bounds), at, start.values[at])
