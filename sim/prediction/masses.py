"""The masses of classes: how probable each is where values are drawn, and what follows of them.

distribution  of the drawable values (sim.prediction.transport), for one sigma
mass          the probability that a drawn value is one of a class
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from drift.kernels.value_map.classes import ValueClasses
from drift.sim.sampling.shapes import SHAPES, Shape

_EVEN = 2.0**-30
"""In sigmas: up to here the density is what it is at 0, or the difference can't be seen."""
_TAIL = 0.25


class ValueDistribution:
    """The distribution of the drawable values for one sigma.

    `midpoints`, float64, rising and positive, are those below each drawable magnitude.
    """

    def __init__(self, sigma: float, midpoints: np.ndarray, shape: Shape = SHAPES["normal"]):
        with np.errstate(over="ignore"):
            z = midpoints / sigma
        # Near 0 the density is even, and what is far away has no mass: few are left to integrate.
        first, stop = np.searchsorted(z, (_EVEN, shape.most))
        inside = np.minimum(z, shape.most) * shape.slope
        outside = 1 - inside
        inside[first:stop], outside[first:stop] = shape.masses(z[first:stop])
        inside[stop:], outside[stop:] = shape.masses(np.array([shape.most]))
        half = np.array([0.5])
        self._inner = np.concatenate([-half, -inside[::-1] / 2, inside / 2, half])
        self._below = np.concatenate([[0.0], outside[::-1] / 2, (1 + inside) / 2, [1.0]])
        self._above = self._below[::-1]

    def of(
        self, first: np.ndarray, stop: np.ndarray, groups: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the masses of values first ... stop - 1, and of all others, float64 (intervals,).

        All `groups`, int64 (intervals,), have the same.
        Each mass is a difference of numbers of its own size: in a tail of tail masses, near 0
        of masses counted from 0. So none is cancelled away, however small it is.
        """
        parts = self._inner, self._below, self._above
        inner, below, above = (np.stack([part[first], part[stop]]) for part in parts)
        return _between(inner, below, above)


class CentredDistribution:
    """The distribution of the drawable values of groups that have `centres`, float64 (groups,)."""

    def __init__(self, sigma: float, midpoints: np.ndarray, centres: np.ndarray, shape: Shape):
        infinite = np.array([np.inf])
        self._boundaries = np.concatenate([-infinite, -midpoints[::-1], midpoints, infinite])
        self._sigma, self._centres, self._shape = sigma, centres, shape

    def of(
        self, first: np.ndarray, stop: np.ndarray, groups: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the masses of values first ... stop - 1 of `groups`, and of all their others."""
        ends = self._boundaries[np.stack([first, stop])]
        with np.errstate(over="ignore"):
            z = (ends - self._centres[groups]) / self._sigma
        inside, outside = self._shape.masses(np.minimum(np.abs(z), self._shape.most))
        low, high = outside / 2, (1 + inside) / 2
        below, above = np.where(z < 0, low, high), np.where(z < 0, high, low)
        return _between(np.copysign(inside / 2, z), below, above)


def _between(
    inner: np.ndarray, below: np.ndarray, above: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the masses between ends, float64 (2, intervals), and of all others.

    `inner` is the mass between 0 and each end, with its sign, `below` and `above` are those on
    either side of it.
    """
    mass = np.where(below[1] < _TAIL, below[1] - below[0], inner[1] - inner[0])
    return np.where(above[0] < _TAIL, above[0] - above[1], mass), below[0] + above[1]


Distribution = ValueDistribution | CentredDistribution


class DimensionMasses(NamedTuple):
    """The masses of the classes of some dimensions."""

    mass: np.ndarray
    """float64 (classes,)"""
    others: np.ndarray
    """float64 (classes,): the mass of all other classes of the dimension"""
    bounds: np.ndarray
    """int64 (dims + 1,): dimension d has the classes bounds[d] ... bounds[d + 1] - 1"""

    @property
    def log_pair(self) -> np.ndarray:
        """The log of the chance that two tokens share the coordinate, float64 (dims,)."""
        mass, each = self.mass, self.bounds[:-1]
        pairs, parted = mass * mass, mass * self.others
        return _log(np.add.reduceat(pairs, each), np.add.reduceat(parted, each))

    @property
    def log_triple(self) -> np.ndarray:
        """The log of the chance that three tokens share it, float64 (dims,)."""
        mass, each = self.mass, self.bounds[:-1]
        triples, parted = mass * mass * mass, mass * self.others * (1 + mass)
        return _log(np.add.reduceat(triples, each), np.add.reduceat(parted, each))


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
    group: int = 0
    """the number of the group that the first of these dimensions stands for"""

    @property
    def size(self) -> int:
        """The number of classes."""
        return len(self.stalled.values)

    def masses(self, distribution: Distribution) -> DimensionMasses:
        """Return the masses of the classes."""
        mass = self._masses(self.classes, distribution)
        return DimensionMasses(*mass, self.classes.bounds)

    def moments(self, distribution: Distribution, masses: DimensionMasses) -> Moments:
        """Return the moments of the dimensions: sums over their classes, of these `masses`."""
        each, here = self.classes.bounds[:-1], np.flatnonzero(self.stalled.values)
        stalled = np.zeros(len(self.stalled.values))
        stalled[here] = self._masses(self.stalled, distribution, here)[0]
        return Moments(
            masses.log_pair,
            masses.log_triple,
            np.add.reduceat(masses.mass * self.values, each),
            np.add.reduceat(stalled, self.stalled.bounds[:-1]),
        )

    def _masses(
        self,
        classes: ValueClasses,
        distribution: Distribution,
        which: np.ndarray | slice = slice(None),
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the masses of `which` of the classes, and of all others of their dimension.

        Both are float64 (classes,).
        """
        drawable, firsts = self.drawable, classes.first_value
        ends = np.append(firsts[1:], drawable * (len(classes.bounds) - 1))
        groups = self.group + firsts[which] // drawable
        return distribution.of(firsts[which] % drawable, (ends[which] - 1) % drawable + 1, groups)


def _log(sums: np.ndarray, complements: np.ndarray) -> np.ndarray:
    """Return the log of `sums`, which are 1 - `complements`, from whichever of the two is small."""
    return np.where(sums < 0.5, np.log(sums), np.log1p(-np.minimum(complements, 0.75)))


def total(parts: np.ndarray) -> float:
    """Return the sum of float64 values, rounded once."""
    return math.fsum(parts.tolist())
