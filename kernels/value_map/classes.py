"""The distinct values of each dimension: what the leap engine moves in place of tokens.

rank    the number of a code by value (kernels.formats); a step never changes the
        order of ranks, so the initial values that have met are neighbours
class   the initial values of one dimension that share a value by now

Classes of all dimensions stand in one row of arrays, dimension after dimension,
their values rising.
"""

from dataclasses import dataclass, replace

import numpy as np

from drift.kernels.formats import Format


@dataclass(frozen=True)
class ValueClasses:
    """The classes of every dimension at one step."""

    bounds: np.ndarray
    """int64 (dims + 1,): dimension d has the classes bounds[d] ... bounds[d + 1] - 1"""
    first_value: np.ndarray
    """int64 (classes,): the first initial class that each is made of"""
    values: np.ndarray
    """(classes,) where they are: ranks, or what rises with ranks strictly; or what is
    said of each"""

    @property
    def sizes(self) -> np.ndarray:
        """How many classes each dimension has, int64 (dims,)."""
        return np.diff(self.bounds)

    def moved(self, values: np.ndarray) -> "ValueClasses":
        """The classes after these went to `values`; those that met are one."""
        new = np.empty(len(values), bool)
        new[1:] = values[1:] != values[:-1]
        new[self.bounds[:-1]] = True
        met = np.flatnonzero(new)
        if len(met) == len(values):
            return replace(self, values=values)
        return ValueClasses(np.searchsorted(met, self.bounds), self.first_value[met], values[met])

    def of_class(self, of_initial: np.ndarray) -> np.ndarray:
        """Sums over the initial classes, int64 (initial classes,), that each is made of."""
        return np.add.reduceat(of_initial, self.first_value)


def same_value(a: np.ndarray, b: np.ndarray, target: Format) -> np.ndarray:
    """Whether ranks are of one value, -0 being +0."""
    plus = target.sign  # the rank of +0; that of -0 is just below
    zeros = [(p == plus) | (p == plus - 1) for p in (a, b)]
    return (a == b) | (zeros[0] & zeros[1])
