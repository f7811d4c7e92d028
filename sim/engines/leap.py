"""The leap engine: moves the distinct values of each dimension in place of tokens.

Without per-token randomness a step is one monotone function per dimension, on the
few thousand values that occur there. With equal steps those leap by powers of a table
(kernels.value_map.power); otherwise, and with master weights, whose values are too many for
tables, they are stepped one by one (kernels.value_map.iterate, or host, which needs no JAX).
Values that meet go on as one. A token's classes never change; its codes at a step are looked up
where they are asked for. Bit for bit what the step engine gives.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from operator import is_
from typing import NamedTuple

import numpy as np

from drift.kernels.value_map.classes import SteppedMap, ValueClasses
from drift.kernels.value_map.host import HostMap
from drift.kernels.value_map.limbs import limbs_by_rank
from drift.kernels.value_map.power import PowerMap
from drift.sim.engines.chunks import Chunks, Fill
from drift.sim.engines.leap_rows import LeapRows, RankedCloud
from drift.sim.motions.motion import Motion


def value_map(
    motion: Motion,
    dims: np.ndarray | None,
    classes: ValueClasses,
    origin: int,
    bound: float,
    pool: Executor,
    without_jax: bool = False,
) -> PowerMap | SteppedMap:
    """Return the map that takes `classes`, of the state format, on from the step `origin`.

    `dims`, int64 (dims,), are the dimensions of the classes, all where None; `bound` is a
    magnitude that no value exceeds.
    """
    drift, arithmetic = motion.drift, motion.drift.arithmetic
    if not motion.equal or arithmetic.state != arithmetic.view:
        block, steps = partial(motion.displacements, dims=dims), (origin, drift.steps)
        if without_jax:
            rounding = drift.rounding
            return HostMap(classes, block, origin, arithmetic.state, rounding, motion.equal, pool)
        from drift.kernels.value_map.iterate import StepwiseMap

        return StepwiseMap(classes, block, steps, arithmetic.state, drift.rounding, motion.falling)
    equal, target = motion.displacements(1, 1, dims)[0], drift.target
    # Tables have no rows for ranks that no value can reach.
    farthest = min(int(np.searchsorted(target.magnitudes(), bound)), target.largest_magnitude)
    ends = np.array([target.sign + farthest, farthest], target.storage)
    lowest, highest = target.rank_of(ends).tolist()
    return PowerMap(classes, equal, origin, target, drift.rounding, (lowest, highest), pool)


_STRIP = 64
"""Dimensions summed at once."""


@dataclass(frozen=True)
class LeapObservation:
    """The cloud at one step, as the leap engine finds it."""

    rows: LeapRows
    """the codes, which are counted"""
    present: np.ndarray
    """bool (tokens,): true for the tokens that are observed"""
    stalled: int
    """coordinates that the last step left where they were"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), the exact sum over present tokens: kernels.exact_sum"""
    moved: bool
    """true where any token is elsewhere than at the observation before"""

    kept = None

    @property
    def state_rows(self) -> LeapRows:
        """The codes in the state format: the same, since this engine has no master weights."""
        return self.rows

    def representatives(self, tokens: np.ndarray) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does."""
        return self.rows.representatives(tokens)


class _Observed(NamedTuple):
    """The classes and populations that an observation was made of."""

    classes: ValueClasses
    """the classes, whose values are ranks"""
    stalling: ValueClasses | None
    """those before the last step, and whether it stalled them; None where there was none"""
    population: np.ndarray
    """int32 (initial classes,): the present tokens of each"""


class LeapEngine:
    """Moves the cloud of a deterministic drift of a format of 16 bits or fewer by its `motion`."""

    name = "leap"

    def __init__(self, motion: Motion, chunks: Chunks, pool: Executor, without_jax: bool = False):
        self._drift, self._motion, self._chunks, self._pool = motion.drift, motion, chunks, pool
        self._without_jax = without_jax
        self._present = np.ones(chunks.tokens, bool)
        self._origin = 0
        self._last: LeapObservation | None = None
        self._observed: _Observed | None = None

    def load(self, fill: Fill, step: int = 0) -> None:
        """Take the cloud of `step` from `fill`, called once a chunk, from several threads."""
        self._cloud = RankedCloud(fill, self._chunks, self._drift.target, self._pool)
        self._population, self._origin = self._cloud.population, step
        self._last = self._observed = None
        self._map: PowerMap | SteppedMap | None = None
        self.state_rows = LeapRows(self._cloud, self._cloud.classes)
        """the codes in the state format at the last step that was taken"""
        present, self._present = self._present, np.ones_like(self._present)
        self.observe_only(present)

    def observe_only(self, present: np.ndarray) -> None:
        """Observe from now on the tokens for which `present`, bool (tokens,), is true."""
        left = np.flatnonzero(self._present & ~present)
        if len(left):
            # Only the tokens that leave are counted, not those that are still there.
            self._population = self._population - self._cloud.population_of(left)
        self._present = present

    def approach(self, step: int, bound: float) -> Iterator[int]:
        """Move on towards `step`, where that takes long; yield earlier steps once they are taken.

        No value exceeds `bound` in magnitude.
        """
        moving = self._map_from_origin(bound) if step > self._origin else None
        if isinstance(moving, SteppedMap):  # powers arrive at once
            for reached, classes in moving.approach(step):
                self.state_rows = LeapRows(self._cloud, classes)
                yield reached

    def _map_from_origin(self, bound: float) -> PowerMap | SteppedMap:
        if self._map is None:
            classes = self._cloud.classes
            more = bound, self._pool, self._without_jax
            self._map = value_map(self._motion, None, classes, self._origin, *more)
        return self._map

    def observe(
        self, step: int, exponent: int, bound: float, following: int | None = None
    ) -> LeapObservation:
        """Move on to `step` and observe.

        Values are summed on the grid of 2**`exponent`, see kernels.exact_sum, and
        none exceeds `bound` in magnitude.
        """
        classes, stalling = self._cloud.classes, None
        if step > self._origin:
            classes, stalling = self._map_from_origin(bound).to(step)
        last, before = self._last, self._observed
        self._observed = now = _Observed(classes, stalling, self._population)
        if last is not None and before is not None and all(map(is_, before, now)):
            # All is at rest and nobody has left: nothing is summed again.
            return replace(last, moved=False)
        moved = before is None or not np.array_equal(before.classes.values, classes.values)
        # Sums are kept where neither a value nor a population has changed since.
        if last is None or before is None or moved or before.population is not self._population:
            limbs = self._limbs(classes, exponent)
        else:
            limbs = last.limbs
        stalled = 0
        if stalling is not None:
            stalled = int(stalling.of_class(self._population)[stalling.values].sum())
        rows = self.state_rows = LeapRows(self._cloud, classes)
        self._last = LeapObservation(rows, self._present, stalled, limbs, moved)
        return self._last

    def _limbs(self, classes: ValueClasses, exponent: int) -> np.ndarray:
        """Return the exact sums over present tokens, int64 (LIMBS, dims)."""
        limbs = limbs_by_rank(self._drift.target, exponent)
        dims = self._chunks.dims

        def strip(start: int) -> np.ndarray:
            ends = classes.bounds[start : start + _STRIP + 1]
            here = slice(ends[0], ends[-1])
            values, starts = classes.values[here], ends[:-1] - ends[0]
            weight = classes.of_class(self._population, here)
            # A class adds the limbs of its value once for each of its tokens.
            return np.stack([np.add.reduceat(limb.take(values) * weight, starts) for limb in limbs])

        return np.concatenate(list(self._pool.map(strip, range(0, dims, _STRIP))), axis=1)
