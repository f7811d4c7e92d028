"""The values to which a drift takes every value that can be drawn, and their probabilities.

drawable value  a value of Q(sigma * Z), Z standard normal (sim.clouds.drawn). Drawable values
                are numbered from the lowest, with 0 in the middle
boundary        the midpoint below drawable value k has the number k; below the first value and
                above the last one is nothing. An interval of drawable values has the mass of Z
                between two boundaries over sigma
transport       where the drawable values of a dimension are at a step. Without per-token
                randomness that is one monotone function of the value, so those that share a
                value then are an interval of them, a class of kernels.value_map
group           dimensions whose coordinates of u are the same: they share one transport
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drift.kernels.formats import Format
from drift.kernels.stepping import host
from drift.kernels.value_map.classes import ValueClasses
from drift.kernels.value_map.first_step import FirstStep
from drift.kernels.value_map.host import HostMap
from drift.sim.devices import device
from drift.sim.devices.host_memory import free_memory
from drift.sim.errors import BadInput
from drift.sim.matrix import nearest
from drift.sim.motions.make import motion_of
from drift.sim.prediction.in_range import (
    check_likely_in_range,
    largest_starts,
    largest_transported,
)
from drift.sim.sampling.normal import masses
from drift.sim.sampling.thresholds import drawn_magnitudes
from drift.sim.spec.drift import Drift

if TYPE_CHECKING:
    from drift.kernels.value_map.iterate import StepwiseMap
    from drift.kernels.value_map.power import PowerMap


_FARTHEST = 30.0
"""In sigmas: what is beyond has no mass that a float64 sum could see."""
_TAIL = 0.25


class ValueDistribution:
    """The distribution of the drawable values for one sigma.

    `midpoints`, float64, rising and positive, are those below each drawable magnitude.
    """

    def __init__(self, sigma: float, midpoints: np.ndarray):
        with np.errstate(over="ignore"):
            inside, outside = masses(np.minimum(midpoints / sigma, _FARTHEST))
        half = np.array([0.5])
        self._inner = np.concatenate([-half, -inside[::-1] / 2, inside / 2, half])
        self._below = np.concatenate([[0.0], outside[::-1] / 2, (1 + inside) / 2, [1.0]])
        self._above = self._below[::-1]

    def of(self, first: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the masses of values first ... stop - 1, and of all others, float64 (intervals,).

        Each mass is a difference of numbers of its own size: in a tail of tail masses, near 0
        of masses counted from 0. So none is cancelled away, however small it is.
        """
        under, over = self._below[first], self._above[stop]
        above, below = self._above[first], self._below[stop]
        inner = self._inner[stop] - self._inner[first]
        mass = np.where(below < _TAIL, below - under, inner)
        return np.where(above < _TAIL, above - over, mass), under + over


_STRIP = 128
"""Groups moved at once."""
_UNTIL_REST = 1536
"""Equal steps after which bfloat16 is usually at rest."""
_MOST_HERE = 3e9
"""Values that NumPy moves by a step in the time that loading JAX takes, or little more."""
_PER_DIM = 100
"""Bytes that a transport keeps of each dimension."""


class Moments(NamedTuple):
    """Moments of a distribution in each dimension at a step, float64 (dims,) each."""

    log_pair: np.ndarray
    """log of the chance that two tokens share the coordinate: log sum m**2 over masses m"""
    log_triple: np.ndarray
    """log of the chance that three tokens share it: log sum m**3"""
    mean: np.ndarray
    """the mean of the coordinate's value, in the units of sigma"""
    stalled: np.ndarray
    """the chance that the last step left the coordinate where it was though displaced"""


@dataclass(frozen=True)
class TransportedClasses:
    """The drawable values of some dimensions, transported to one step."""

    drawable: int
    """how many drawable values each dimension has"""
    classes: ValueClasses
    """the classes the drawable values are in by now; their values are ranks of the view format,
    -0 as +0"""
    values: np.ndarray
    """float64 (classes,): the value of each class"""
    stalled: ValueClasses
    """the classes that `classes` are made of; their values, bool, are true where the last step
    left them where they were though displaced"""

    def masses(self, distribution: ValueDistribution) -> tuple[np.ndarray, np.ndarray]:
        """Return the mass of each class, and of all others of its dimension, float64 (classes,)."""
        return _masses(self.classes, self.drawable, distribution)

    def moments(self, distribution: ValueDistribution) -> Moments:
        """Return the moments of the dimensions: sums over their classes."""
        each, here = self.classes.bounds[:-1], np.flatnonzero(self.stalled.values)
        stalled = np.zeros(len(self.stalled.values))
        stalled[here] = _masses(self.stalled, self.drawable, distribution, here)[0]
        mass, others = self.masses(distribution)
        cubes, other_cubes = mass * mass * mass, mass * others * (1 + mass)
        return Moments(
            self.log_pair(distribution),
            _log(np.add.reduceat(cubes, each), np.add.reduceat(other_cubes, each)),
            np.add.reduceat(mass * self.values, each),
            np.add.reduceat(stalled, self.stalled.bounds[:-1]),
        )

    def log_pair(self, distribution: ValueDistribution) -> np.ndarray:
        """Return the first of the moments alone, float64 (dims,)."""
        mass, others = self.masses(distribution)
        each = self.classes.bounds[:-1]
        return _log(np.add.reduceat(mass * mass, each), np.add.reduceat(mass * others, each))


class Transport:
    """The transport of `drift`, for clouds of its sigma and of any smaller one.

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
        self._motion = motion_of(drift)
        self.u = self._motion.u
        """float64 (dims,): the direction"""
        check_likely_in_range(drift, self.u)
        moved = self._motion.displacements(1, 1)[0] != 0  # none is larger than the first
        _, self._dims, self.group = np.unique(
            np.where(moved, self.u, 0.0), return_index=True, return_inverse=True
        )
        """int64 (dims,): the group of each dimension; `_dims` has one dimension of each"""
        self._magnitudes, self._midpoints = drawn_magnitudes(
            drift.sigma, drift.target, drift.smallest_drawn
        )
        self._largest = np.minimum(largest_starts(drift, self.u[self._dims]), self._magnitudes[-1])
        self._bound = largest_transported(drift, self.u[self._dims], self._largest)

    def distribution(self, sigma: float) -> ValueDistribution:
        """Return the distribution of the drawable values; `sigma` is at most the drift's."""
        return ValueDistribution(sigma, self._midpoints)

    def initial(self) -> TransportedClasses:
        """Return the classes of one dimension at step 0, which stands for all."""
        classes = self._classes(np.array([self._drift.target.largest_magnitude]))
        stalled = replace(classes, values=np.zeros(len(classes.values), bool))
        return self._transported(classes, stalled, self._drift.target)

    def strips(self, steps: Sequence[int], pool: Executor) -> Iterator[list[TransportedClasses]]:
        """Give the classes at each of `steps`, rising and after 0, of one strip of groups after
        the other.
        """
        state = self._drift.arithmetic.state
        for start in range(0, len(self._dims) if steps else 0, _STRIP):
            strip = slice(start, start + _STRIP)
            dims, largest = self._dims[strip], self._largest[strip]
            moving = self._moved_here(dims, largest, steps, pool) or self._moved_by_jax(
                dims, largest, steps, pool
            )
            yield [self._transported(*moving.to(step), state) for step in steps]

    def _moved_here(
        self, dims: np.ndarray, largest: np.ndarray, steps: Sequence[int], pool: Executor
    ) -> HostMap | None:
        """Return the map of a strip that NumPy takes from step to step; None if that takes long."""
        drift, arithmetic = self._drift, self._drift.arithmetic
        if arithmetic.state != arithmetic.view or not host.supports(arithmetic):
            return None
        displaced = self._motion.displacements(1, 1, dims)[0]
        first = FirstStep(self._drawable(), self._limits(largest), displaced, arithmetic)
        equal = self._motion.equal
        taken = min(steps[-1], _UNTIL_REST) if equal else steps[-1]
        classes = first.classes(_MOST_HERE / taken * _STRIP / max(_STRIP, len(self._dims)))
        if classes is None:
            return None
        at_first = steps[0] == 1  # what the first step stalls is a matter of single values
        classes, origin = (self._classes(largest), 0) if at_first else (classes, 1)
        block = partial(self._motion.displacements, dims=dims)
        return HostMap(classes, block, origin, arithmetic.state, drift.rounding, equal, pool)

    def _moved_by_jax(
        self, dims: np.ndarray, largest: np.ndarray, steps: Sequence[int], pool: Executor
    ) -> "PowerMap | StepwiseMap":
        """Return the map of a strip that the kernels of JAX move."""

        from drift.sim.engines.leap import value_map

        device.tell_jax()
        drift, state, classes = self._drift, self._drift.arithmetic.state, self._classes(largest)
        if state != drift.target:
            values = drift.target.value(drift.target.code_of_rank(classes.values))
            classes = replace(classes, values=state.rank_of(state.code(values)))
        moving = value_map(self._motion, dims, classes, 0, self._bound, pool)
        if steps[0] > 1:
            moving.to(1)  # where most of them meet
        return moving

    def _drawable(self) -> np.ndarray:
        """Return the ranks of the drawable values, rising."""
        target = self._drift.target
        magnitudes = np.minimum(self._magnitudes, target.largest_magnitude)
        coordinates = np.concatenate([-magnitudes[::-1], [0], magnitudes])
        return target.rank_of(target.code_at(coordinates))

    def _limits(self, largest: np.ndarray) -> np.ndarray:
        """Return the lowest and the highest rank in each dimension, (2, dims)."""
        target = self._drift.target
        return np.stack([target.rank_of(target.code_at(end)) for end in (-largest, largest)])

    def _classes(self, largest: np.ndarray) -> ValueClasses:
        """Return the classes at step 0; values beyond `largest`, int64 (dims,), count as it."""
        every, (lowest, highest) = self._drawable(), self._limits(largest)
        ranks = np.clip(every, lowest[:, None], highest[:, None]).ravel()
        bounds = np.arange(len(largest) + 1) * len(every)
        return ValueClasses(bounds, np.arange(len(ranks)), ranks).moved(ranks)

    def _transported(
        self, classes: ValueClasses, stalled: ValueClasses, state: Format
    ) -> TransportedClasses:
        """Return `classes`, whose values are ranks of the `state` format, in the view format."""
        target, ranks = self._drift.target, classes.values
        if state != target:
            values = state.value(state.code_of_rank(ranks)).astype(np.float32)
            ranks = target.rank_of(nearest(values, target))
        # Only counting merges zeros: here, since prediction counts and moves nothing on from it.
        ranks = np.where(ranks == target.sign - 1, target.storage.type(target.sign), ranks)
        classes = classes.moved(ranks)
        values = target.value(target.code_of_rank(classes.values))
        return TransportedClasses(2 * len(self._magnitudes) + 1, classes, values, stalled)


def _masses(
    classes: ValueClasses,
    drawable: int,
    distribution: ValueDistribution,
    which: np.ndarray | slice = slice(None),
) -> tuple[np.ndarray, np.ndarray]:
    """Return the masses of `which` of the classes, and of all others of their dimension.

    Both are float64 (classes,).
    """
    ends = np.append(classes.first_value[1:], drawable * (len(classes.bounds) - 1))
    return distribution.of(classes.first_value[which] % drawable, (ends[which] - 1) % drawable + 1)


def _log(sums: np.ndarray, complements: np.ndarray) -> np.ndarray:
    """Return the log of `sums`, which are 1 - `complements`, from whichever of the two is small."""
    return np.where(sums < 0.5, np.log(sums), np.log1p(-np.minimum(complements, 0.75)))


def total(parts: np.ndarray) -> float:
    """Return the sum of float64 values, rounded once."""
    return math.fsum(parts.tolist())
