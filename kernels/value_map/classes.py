"""The distinct values of each dimension, which the leap engine moves in place of tokens.

rank    the number of a code by value (kernels.formats); a step never changes the
        order of ranks, so the initial values that have met are neighbours
class   the initial values of one dimension that share a value by now

Classes of all dimensions stand in one row of arrays, dimension after dimension,
their values rising.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from drift.kernels.formats import Format

Displacements = Callable[[int, int], np.ndarray]
"""Gives the displacements, float32 (steps, dims), from a first to a last step."""


@dataclass(frozen=True)
class ValueClasses:
    """The classes of every dimension at one step."""

    bounds: np.ndarray
    """int64 (dims + 1,): dimension d has the classes bounds[d] ... bounds[d + 1] - 1"""
    first_value: np.ndarray
    """integers (classes,): the first initial class that each is made of"""
    values: np.ndarray
    """(classes,): where each class is, a rank or a number that rises with ranks strictly; or
    a property of each class, such as stalled, bool"""

    @property
    def sizes(self) -> np.ndarray:
        """The number of classes of each dimension, int64 (dims,)."""
        return np.diff(self.bounds)

    def moved(self, values: np.ndarray) -> "ValueClasses":
        """Return the classes after these went to `values`; classes that met are one."""
        new = np.empty(len(values), bool)
        new[1:] = values[1:] != values[:-1]
        new[self.bounds[:-1]] = True
        # The map is monotone, so only neighbours can meet; the first of them stands for all.
        met = np.flatnonzero(new)
        if len(met) == len(values):
            return replace(self, values=values)
        return ValueClasses(np.searchsorted(met, self.bounds), self.first_value[met], values[met])

    def of_class(self, of_initial: np.ndarray, some: slice = slice(None)) -> np.ndarray:
        """Sum `of_initial`, integers (initial classes,), over the initial classes of each class.

        Where `some` classes are given, it is done of these, which must not be none.
        """
        if len(self.first_value) == len(of_initial):  # none has met another
            return of_initial[some]
        first, after = self.first_value[some], len(of_initial)
        if some.stop is not None and some.stop < len(self.first_value):
            after = int(self.first_value[some.stop])
        return np.add.reduceat(of_initial[first[0] : after], first - first[0])


class SteppedMap(ABC):
    """The map of classes from step to step, whoever takes the steps."""

    _step: int
    """the last step that was taken"""

    def to(self, step: int) -> tuple[ValueClasses, ValueClasses]:
        """Move on to `step`, a later one; return the classes of ranks there, and those stalled.

        Each of the former is made of some of the latter, whose values, bool, are true where the
        last step left them where they were though its displacement is not 0.
        """
        assert step > self._step, "a later one"
        for _ in self.approach(step):
            pass
        return self._arrive(step)

    @abstractmethod
    def approach(self, step: int) -> Iterator[tuple[int, ValueClasses]]:
        """Move on towards `step`; yield the steps on the way, and the classes of ranks there."""

    @abstractmethod
    def _arrive(self, step: int) -> tuple[ValueClasses, ValueClasses]:
        """Take the steps that `approach` has left, and return what `to` returns."""


def same_value(a: np.ndarray, b: np.ndarray, target: Format) -> np.ndarray:
    """Return whether ranks `a` and `b` are of one value, -0 being +0."""
    plus = target.sign  # the rank of +0; that of -0 is just below
    zeros = [(p == plus) | (p == plus - 1) for p in (a, b)]
    return (a == b) | (zeros[0] & zeros[1])
