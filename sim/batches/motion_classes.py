"""Classes of the values that clouds draw, at the first record of a motion, and where they go on to.

class  values of one dimension that are one by the first record after step 0, of which its last step
       moved all or none. They are an interval, and whatever comes later takes them to one value
row    a dimension of a motion: those of the first motion come first. The classes of all rows are
       numbered one after another
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from drift.kernels.formats import Format
from drift.kernels.value_map.classes import Displacements, ValueClasses
from drift.kernels.value_map.first_step import FirstStep
from drift.kernels.value_map.host import HostMap
from drift.kernels.value_map.limbs import limbs_by_rank
from drift.sim.motions.motion import Motion
from drift.sim.sampling.thresholds import drawn_magnitudes
from drift.sim.spec.drift import Drift

PACKED = 32
"""Bits between two limbs that are summed as one number: sums over few tokens are shorter."""


@dataclass(frozen=True)
class MotionClasses:
    """The classes of some motions of equal size, and where they are at the steps of records."""

    motions: list[Motion]
    """the motions"""
    smallest: int
    """the least coordinate above 0 that may be drawn"""
    numbers: np.ndarray
    """int64 (classes,), rising: of each, the number of the lowest value, row after row of
    `drawable` values each, 0 being in the middle"""
    drawable: int
    """how many values of a row may be drawn"""
    lowest: np.ndarray
    """int64 (classes,): the lowest lattice coordinate of each"""
    ranks: np.ndarray
    """(steps, classes): the rank of each class's value after each of the steps, -0 as +0"""
    stalled: np.ndarray
    """bool (steps, classes): true where that step left the class where it was, though displaced;
    false at the first step of all, which does so to single values"""
    fixed: np.ndarray | None
    """int64 (2, n): the rows, rising, and the coordinates of the values that the first step of all
    leaves where they are, though displaced; None where it is none of the steps"""
    asked: np.ndarray
    """float64 (motions, steps): how far the cloud was asked to go since the step before, or 0"""
    moving: np.ndarray
    """int64 (motions, steps): the dimensions that each of the steps displaces"""
    _limbs: dict[int, np.ndarray] = field(default_factory=dict)
    _fine: dict[int, np.ndarray] = field(default_factory=dict)

    def limbs(self, exponent: int) -> np.ndarray:
        """Return the limbs of the values in `ranks` on a grid, int64 (2, steps, classes).

        Two limbs stand in one number, the second one PACKED bits higher.
        """
        if exponent not in self._limbs:
            table = limbs_by_rank(self.motions[0].drift.target, exponent)
            packed = table[0::2] + (table[1::2] << PACKED)
            self._limbs[exponent] = packed.take(self.ranks, axis=1)
        return self._limbs[exponent]

    def fine(self, exponent: int) -> np.ndarray:
        """Return whether a class needs more than two limbs at any step, bool (classes,)."""
        if exponent not in self._fine:
            self._fine[exponent] = np.any(self.limbs(exponent)[1], axis=0)
        return self._fine[exponent]

    def classes(self, rows: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return the classes of some coordinates of `rows`, int64 of their common shape."""
        distance = np.maximum(np.abs(coordinates) - self.smallest + 1, 0)
        numbers = self.drawable // 2 + np.sign(coordinates) * distance
        return np.searchsorted(self.numbers, rows * self.drawable + numbers, side="right") - 1


class DrawnEnds(NamedTuple):
    """A motion with the ends of the clouds that take it, from which its classes are found."""

    motion: Motion
    """the motion"""
    ends: np.ndarray
    """int64 (2, dims): the lowest and the highest coordinates that are drawn in each dimension"""


def classes_of(motions: list[DrawnEnds], sigma: float, steps: tuple[int, ...]) -> MotionClasses:
    """Return the classes of `motions` at `steps`, which rise and come after 0.

    The motions differ in displacements alone: what is a dimension of one is a dimension of all, so
    they are moved as one. No sigma of a cloud is larger than `sigma`.
    """
    drift, ends = motions[0].motion.drift, np.concatenate([each.ends for each in motions], axis=1)
    target, values = drift.target, _drawable(drift, sigma)
    ranks, limits = (target.rank_of(target.code_at(at)) for at in (values, ends))
    block, equal = _displacements(motions), motions[0].motion.may_rest
    displaced = block(1, 1)[0]
    first = FirstStep(ranks, limits, displaced, drift.arithmetic).classes(np.inf)
    assert first is not None, "any number of classes will do"
    moving = HostMap(first, block, 1, target, drift.rounding, equal)
    after = [moving.to(step) for step in steps if step > 1]
    fixed, base = None, first.first_value
    if steps[0] == 1:
        fixed = _fixed(first, values[base % len(values)], displaced, target)
        after = [(first, replace(first, values=np.zeros(len(base), bool))), *after]
    else:
        base = _cut(*after[0])
    at = np.stack([_spread(classes, base) for classes, _ in after])
    at[at == target.sign - 1] = target.sign
    every = [each.motion for each in motions]
    return MotionClasses(
        every,
        int(values[len(values) // 2 + 1]),
        base,
        len(values),
        values[base % len(values)],
        at,
        np.stack([_spread(stayed, base) for _, stayed in after]),
        fixed,
        np.array([[one.asked(*each) for each in pairwise((0, *steps))] for one in every]),
        np.array([[one.moving_at(step) for step in steps] for one in every]),
    )


def _displacements(motions: list[DrawnEnds]) -> Displacements:
    """Return what gives the displacements of all motions side by side."""

    def block(first: int, last: int) -> np.ndarray:
        return np.concatenate([each.motion.displacements(first, last) for each in motions], axis=1)

    if not all(each.motion.equal for each in motions):
        return block
    same = block(1, 1)
    return lambda first, last: np.broadcast_to(same, (last + 1 - first, same.shape[1]))


def _cut(classes: ValueClasses, stayed: ValueClasses) -> np.ndarray:
    """Return where `classes` begin, and where those that `stayed` begin and end, int64, rising."""
    ends = stayed.first_value[1:][stayed.values[1:] != stayed.values[:-1]]
    return np.union1d(classes.first_value, ends)


def _spread(later: ValueClasses, base: np.ndarray) -> np.ndarray:
    """Return the value of a `later` class for each class of `base` that it is made of."""
    starts = np.searchsorted(base, later.first_value)
    return np.repeat(later.values, np.diff(starts, append=len(base)))


def _drawable(drift: Drift, sigma: float) -> np.ndarray:
    """Return the lattice coordinates, rising, that may be drawn by `sigma` or a smaller one."""
    magnitudes, _ = drawn_magnitudes(sigma, drift.target, drift.smallest_drawn)
    magnitudes = magnitudes[magnitudes <= drift.target.largest_magnitude]
    return np.concatenate([-magnitudes[::-1], [0], magnitudes])


def _fixed(
    first: ValueClasses, lowest: np.ndarray, displaced: np.ndarray, target: Format
) -> np.ndarray:
    """Return the dimensions and coordinates of values that are in the class that goes to them."""
    dims = np.repeat(np.arange(len(displaced)), first.sizes)
    value = target.coordinate(target.code_of_rank(first.values))
    end = np.append(lowest[1:], 0)
    end[first.bounds[1:] - 1] = target.largest_magnitude + 1
    here = np.flatnonzero((lowest <= value) & (value < end) & (displaced != 0)[dims])
    return np.stack([dims[here], value[here]])
