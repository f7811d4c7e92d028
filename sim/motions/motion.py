"""A motion as engines see it: the displacements of any steps, and what is known of all of them.

equal    all steps are one function of the value: many of them leap, and one that moved nothing
         tells of all later ones
falling  no displacement exceeds in magnitude the one before it in its dimension, nor has another
         sign; so a value that a step left where it was stays there
"""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from drift.sim.spec.drift import Drift


class Motion(ABC):
    """The steps of a `drift`, the same for all its tokens."""

    equal: bool
    """true where all steps are equal"""
    falling: bool
    """true where no step is larger than the one before it, or of another sign"""

    def __init__(self, drift: Drift, u: np.ndarray):
        self.drift, self.steps, self.dims = drift, drift.steps, drift.dims
        self.u = u
        """float64 (dims,): the unit vector along which the radius is measured"""

    @abstractmethod
    def displacements(self, first: int, last: int, dims: np.ndarray | None = None) -> np.ndarray:
        """Return the displacements of steps `first` ... `last` in all dimensions or in `dims`.

        They are float32 (steps, n), to be read only; `dims` is int64 (n,).
        """

    @property
    def may_rest(self) -> bool:
        """True where one step can tell that no later one will move anything."""
        return self.equal and self.drift.rounding != "stochastic"

    @cached_property
    def moving_dims(self) -> int:
        """The number of dimensions in which the first step displaces anything."""
        return int(np.count_nonzero(self.displacements(1, 1)))
