"""A motion as engines see it: the displacements of any steps, and what is known of all of them.

equal    all steps are one function of the value: many of them leap, and one that moved nothing
         tells of all later ones
falling  no displacement exceeds in magnitude the one before it in its dimension, nor has another
         sign, and nothing decays; so a value that a step left where it was stays there
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from drift.kernels.exact_sum import exact_sums
from drift.sim.sampling.noise import noise_table
from drift.sim.spec.drift import Drift

BLOCK = 256
"""Steps whose displacements are made at a time where all are gone through."""


class Motion(ABC):
    """The steps of a `drift`, the same for all its tokens."""

    equal: bool
    """true where all steps are equal"""
    falling: bool
    """true where no step is larger than the one before it, or of another sign"""
    u: np.ndarray
    """float64 (dims,): the unit vector along which the radius is measured; NaN where all
    displacements together lead nowhere"""
    reach: np.ndarray
    """float64 (dims,): a bound of the sum of the magnitudes of all displacements"""

    def __init__(self, drift: Drift):
        self.drift, self.steps, self.dims = drift, drift.steps, drift.dims

    @abstractmethod
    def displacements(self, first: int, last: int, dims: np.ndarray | None = None) -> np.ndarray:
        """Return the displacements of steps `first` ... `last` in all dimensions or in `dims`.

        They are float32 (steps, n), to be read only; `dims` is int64 (n,).
        """

    def rates(self, first: int, last: int) -> np.ndarray:
        """Return the learning rates of steps `first` ... `last`, float64 (steps,); 1 without."""
        return np.ones(last + 1 - first)

    def factors(self, first: int, last: int) -> np.ndarray | None:
        """Return what steps `first` ... `last` multiply values by before, float32 (steps,).

        None where nothing decays.
        """
        if not self.drift.weight_decay:
            return None
        return (1 - self.rates(first, last) * self.drift.weight_decay).astype(np.float32)

    def amplitudes(self, first: int, last: int) -> np.ndarray:
        """Return the amplitudes of the noise of steps `first` ... `last`, float32 (steps,)."""
        c = self.displacements(first, first if self.equal else last).astype(np.float64)
        rms = np.sqrt(exact_sums(c * c) / self.dims)
        with np.errstate(over="ignore", under="ignore"):
            made = (self.drift.noise * rms).astype(np.float32)
        return np.repeat(made, last + 1 - first) if self.equal else made

    @cached_property
    def noise_reach(self) -> float:
        """A bound of the sum of the magnitudes of a coordinate's noise at all steps."""
        if not self.drift.noise:
            return 0.0
        most = float(noise_table()[-1])
        if self.equal:
            return most * self.steps * float(self.amplitudes(1, 1)[0])
        firsts = range(1, self.steps + 1, BLOCK)
        ends = ((first, min(first + BLOCK - 1, self.steps)) for first in firsts)
        return most * sum(float(self.amplitudes(*each).sum(dtype=np.float64)) for each in ends)

    @property
    def may_rest(self) -> bool:
        """True where one step can tell that no later one will move anything."""
        return self.equal and self.drift.rounding != "stochastic" and not self.drift.noise

    @cached_property
    def moving_dims(self) -> int:
        """The number of dimensions in which the first step displaces anything."""
        return int(np.count_nonzero(self.displacements(1, 1)))

    def moving_at(self, step: int) -> int:
        """Return the number of dimensions in which a step displaces anything."""
        if self.equal:
            return self.moving_dims
        return int(np.count_nonzero(self.displacements(step, step)))

    def changed(self, step: int, tokens: int, stalled: int, kept: int | None) -> int:
        """Return how many coordinates of `tokens` a step changed.

        It left `stalled` of those that it displaces where they were, and `kept` of all, where
        others can move too.
        """
        if step == 0:
            return 0
        if kept is not None:
            return tokens * self.dims - kept
        return tokens * self.moving_at(step) - stalled

    @property
    def facts(self) -> dict[str, Any]:
        """The attribute `motion` of a store: what a motion rests on beside the spec; or nothing."""
        return {}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that a store keeps of it beside u, by their names."""
        return {}

    def groups(self) -> tuple[np.ndarray, np.ndarray]:
        """Return one dimension of each group, and the group of every dimension, int64.

        Dimensions of a group have equal displacements at all steps.
        """
        every = np.arange(self.dims)
        return every, every

    def blocks(self, first: int = 1, last: int | None = None) -> Iterator[np.ndarray]:
        """Give the displacements of all steps, or of some, BLOCK at a time."""
        last = self.steps if last is None else last
        for start in range(first, last + 1, BLOCK):
            yield self.displacements(start, min(start + BLOCK - 1, last))

    @cached_property
    def _length(self) -> float:
        return norm(self.displacements(1, 1)[0])

    def asked(self, after: int, step: int) -> float:
        """Return the norm of the sum of the displacements of steps `after` + 1 ... `step`."""
        if self.equal:
            return (step - after) * self._length
        if (after, step) not in self._asked:
            self._asked[after, step] = self._norm_of_sum(after, step)
        return self._asked[after, step]

    @cached_property
    def _asked(self) -> dict[tuple[int, int], float]:
        return {}

    def _norm_of_sum(self, after: int, step: int) -> float:
        total = np.zeros(self.dims)
        for block in self.blocks(after + 1, step):
            for row in block:  # one by one: the sum has the same bits on every machine
                total += row
        return norm(total)


def norm(vector: np.ndarray) -> float:
    """Return the Euclidean length of a vector, the same bits on every machine."""
    values = np.abs(np.asarray(vector, np.float64))
    largest = float(values.max(initial=0.0))
    if not 0 < largest < math.inf:
        return largest
    scaled = values / largest
    return largest * math.sqrt(math.fsum((scaled * scaled).tolist()))
