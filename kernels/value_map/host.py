"""Steps of any schedule, taken by the distinct values of each dimension, on the host.

The classes are those of kernels.value_map.classes, and go where kernels.value_map.iterate takes
them; NumPy alone does it, which is sooner where classes are few, or steps.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from drift.kernels.formats import Arithmetic, Decay, Format, Rounding
from drift.kernels.stepping.host import step_rows
from drift.kernels.value_map.classes import (
    Displacements,
    SteppedMap,
    ValueClasses,
    same_value,
)

Factors = Callable[[int, int], np.ndarray | None]
"""Gives what the steps from a first to a last one multiply values by, float32 (steps,)."""

_ELEMENTS = 1 << 16
"""Classes moved at a time: they stay in a core's second-level cache."""
_STEPS = 64
"""Steps taken at a time."""


class HostMap(SteppedMap):
    """The steps after the step `origin`, from the classes `classes` there.

    All steps are one where `equal`. Threads of `pool` share the work where it is given. `factors`
    gives those of a decay.
    """

    def __init__(
        self,
        classes: ValueClasses,
        displacements: Displacements,
        origin: int,
        target: Format,
        rounding: Rounding,
        equal: bool,
        pool: Executor | None = None,
        factors: Factors = lambda first, last: None,
        decay: Decay = "none",
    ):
        self._factors = factors
        self._classes, self._step, self._pool = classes, origin, pool
        self._displacements, self._equal = displacements, equal
        self._target, self._arithmetic = target, Arithmetic(target, target, rounding, decay=decay)
        self._at_rest = False
        self._merge_at = origin + 1

    def _arrive(self, step: int) -> tuple[ValueClasses, ValueClasses]:
        before = self._classes
        after = before.values if self._at_rest else self._moved(step, step)
        moving = np.repeat(self._displacements(step, step)[0] != 0, before.sizes)
        stalled = moving & same_value(before.values, after, self._target)
        self._at_rest = self._equal and np.array_equal(before.values, after)
        self._classes, self._step = before.moved(after), step
        return self._classes, replace(before, values=stalled)

    def approach(self, step: int) -> Iterator[tuple[int, ValueClasses]]:
        """Move on to the step before `step`; yield the steps on the way, and the classes there."""
        while not self._at_rest and self._step < step - 1:
            first = self._step + 1
            last = min(step - 1, self._step + _STEPS, max(first, self._merge_at))
            ranks = self._moved(first, last)
            # A step is monotone: values that come back after several have never left.
            self._at_rest = self._equal and np.array_equal(self._classes.values, ranks)
            self._classes, self._step = self._classes.moved(ranks), last
            self._merge_at = 2 * last
            yield last, self._classes

    def _moved(self, first: int, last: int) -> np.ndarray:
        """Return the ranks to which the steps `first` ... `last` take the classes."""
        codes = self._target.code_of_rank(self._classes.values)
        count = last + 1 - first
        block = self._displacements(first, first if self._equal else last)
        factors = self._factors(first, last)
        dim_of = np.repeat(np.arange(len(self._classes.sizes)), self._classes.sizes)

        def one(start: int) -> np.ndarray:
            part = slice(start, start + _ELEMENTS)
            steps = block[:, dim_of[part]]
            if self._equal:
                steps = np.broadcast_to(steps, (count, steps.shape[1]))
            mine = codes[None, part]
            moved = step_rows(mine, steps, None, None, self._arithmetic, factors=factors)
            return moved.codes[0]

        parts = range(0, len(codes), _ELEMENTS)
        moved = (self._pool.map if self._pool and len(parts) > 1 else map)(one, parts)
        return self._target.rank_of(np.concatenate(list(moved)))
