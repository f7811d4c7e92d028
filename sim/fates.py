"""What becomes of every value that can be drawn: a dimension's share of the prediction.

outcome  a value that may be drawn: sim.law
fate     where a drift takes the outcomes of a dimension by some step. Without
         per-token randomness that is one monotone function of the outcome, so those
         that share a value then are an interval of them, a class of kernels.value_map.classes
kind     dimensions whose coordinates of u are the same have one fate

Dimensions are moved in strips, since at first their outcomes are many.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from drift.kernels.formats import Format
from drift.kernels.value_map.classes import Front
from drift.sim import limits
from drift.sim.conversion import nearest
from drift.sim.device import free_memory
from drift.sim.direction import direction
from drift.sim.errors import BadInput
from drift.sim.law import Law
from drift.sim.moving import moving
from drift.sim.schedule import displacements
from drift.sim.spec import Drift
from drift.sim.thresholds import drawn

_STRIP = 128
"""Kinds moved together."""
_PER_DIM = 100
"""Bytes of what is known of each dimension."""


class Moments(NamedTuple):
    """What a law says of each dimension at a step, float64 (dims,) each."""

    log_pair: np.ndarray
    """log of the chance that two tokens share the coordinate, log sum m**2"""
    log_triple: np.ndarray
    """that three do, log sum m**3"""
    mean: np.ndarray
    """of the coordinate's value"""
    stalled: np.ndarray
    """the chance that the last step left it where it was though displaced"""


@dataclass(frozen=True)
class Fate:
    """That of the outcomes of some dimensions at one step."""

    outcomes: int
    """of each dimension"""
    front: Front
    """what they have become, as places of the format that is seen, -0 as +0"""
    values: np.ndarray
    """the same as float64 values"""
    still: Front
    """which of them the last step left where they were"""

    def masses(self, law: Law) -> tuple[np.ndarray, np.ndarray]:
        """Of each class, and of all others of its dimension, float64 (classes,)."""
        return _masses(self.front, self.outcomes, law)

    def moments(self, law: Law) -> Moments:
        """Sums over classes."""
        each, stays = self.front.bounds[:-1], np.flatnonzero(self.still.values)
        still = np.zeros(len(self.still.values))
        still[stays] = _masses(self.still, self.outcomes, law, stays)[0]
        mass, rest = self.masses(law)
        cubes, others = mass * mass * mass, mass * rest * (1 + mass)
        return Moments(
            self.log_pair(law),
            _log(np.add.reduceat(cubes, each), np.add.reduceat(others, each)),
            np.add.reduceat(mass * self.values, each),
            np.add.reduceat(still, self.still.bounds[:-1]),
        )

    def log_pair(self, law: Law) -> np.ndarray:
        """The first of the moments alone."""
        mass, rest = self.masses(law)
        each = self.front.bounds[:-1]
        return _log(np.add.reduceat(mass * mass, each), np.add.reduceat(mass * rest, each))


class Fates:
    """Those of `drift` for clouds of its sigma and of any smaller one.

    Raises BadInput where the drift would leave the format's range, or what is known of its
    dimensions does not fit into memory.
    """

    def __init__(self, drift: Drift):
        assert drift.sigma is not None, "the cloud is a checkpoint's"
        needed, free = _PER_DIM * drift.dims, free_memory()
        if needed > free:
            raise BadInput(
                f"{drift.dims} dims need {needed / 2**30:.3g} GiB of memory;"
                f" {free / 2**30:.3g} GiB are free"
            )
        self._drift, self.sigma = drift, drift.sigma
        self.u = direction(drift.direction, drift.dims, drift.direction_seed)
        """float64 (dims,)"""
        limits.check(drift, self.u)
        moved = displacements(drift, self.u, 1, 1)[0] != 0  # none is larger than the first
        self._u, self.kind = np.unique(np.where(moved, self.u, 0.0), return_inverse=True)
        self._magnitudes, self._midpoints = drawn(drift.sigma, drift.target, drift.smallest_drawn)
        self._largest = np.minimum(limits.limits(drift, self._u), self._magnitudes[-1])
        self._bound = limits.bound(drift, self._u, self._largest)

    def law(self, sigma: float) -> Law:
        """The law of the outcomes; `sigma` is not larger than the drift's."""
        return Law(sigma, self._midpoints)

    def initial(self) -> Fate:
        """At step 0, of one dimension that stands for all."""
        front = self._front(np.array([self._drift.target.largest_magnitude]))
        still = replace(front, values=np.zeros(len(front.values), bool))
        return self._seen(front, still, self._drift.target)

    def strips(self, steps: Sequence[int], pool: Executor) -> Iterator[list[Fate]]:
        """At each of `steps`, rising and after 0; the kinds of a strip, strip after strip."""
        drift, held = self._drift, self._drift.motion.held
        for start in range(0, len(self._u) if steps else 0, _STRIP):
            u, largest = (each[start : start + _STRIP] for each in (self._u, self._largest))
            front = self._front(largest)
            if held != drift.target:
                values = drift.target.value(drift.target.code_in_place(front.values))
                front = replace(front, values=held.place(held.code(values)))
            motion = moving(drift, u, front, 0, self._bound, pool)
            if steps[0] > 1:
                motion.to(1)  # where most of them meet
            yield [self._seen(*motion.to(step), held) for step in steps]

    def _front(self, largest: np.ndarray) -> Front:
        """The outcomes of dimensions; those beyond `largest`, int64 (dims,), count as it."""
        target = self._drift.target
        magnitudes = np.minimum(self._magnitudes, target.largest_magnitude)
        coordinates = np.concatenate([-magnitudes[::-1], [0], magnitudes])
        lowest, highest = (target.place(target.code_at(end)) for end in (-largest, largest))
        every = target.place(target.code_at(coordinates))
        places = np.clip(every, lowest[:, None], highest[:, None]).ravel()
        bounds = np.arange(len(largest) + 1) * len(coordinates)
        return Front(bounds, np.arange(len(places)), places).moved(places)

    def _seen(self, front: Front, still: Front, held: Format) -> Fate:
        """The fate of `front`, of places of `held`."""
        target, places = self._drift.target, front.values
        if held != target:
            values = held.value(held.code_in_place(places)).astype(np.float32)
            places = target.place(nearest(values, target))
        places = np.where(places == target.sign - 1, target.storage.type(target.sign), places)
        front = front.moved(places)
        values = target.value(target.code_in_place(front.values))
        return Fate(2 * len(self._magnitudes) + 1, front, values, still)


def _masses(
    front: Front, outcomes: int, law: Law, which: np.ndarray | slice = slice(None)
) -> tuple[np.ndarray, np.ndarray]:
    """Of `which` classes of `front`, and of all others of their dimension, float64 (classes,)."""
    ends = np.append(front.start[1:], outcomes * (len(front.bounds) - 1))
    return law.of(front.start[which] % outcomes, (ends[which] - 1) % outcomes + 1)


def _log(sums: np.ndarray, rests: np.ndarray) -> np.ndarray:
    """The logarithm of `sums`, which are 1 - `rests`, from whichever of the two is small."""
    return np.where(sums < 0.5, np.log(sums), np.log1p(-np.minimum(rests, 0.75)))


def total(parts: np.ndarray) -> float:
    """The sum of float64 values, rounded once."""
    return math.fsum(parts.tolist())
