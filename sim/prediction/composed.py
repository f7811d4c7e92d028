"""The whole map of drawable values to the format that is seen, by bisection.

place  where a value is seen at a step, and on which side of 0 it stalls: three times the rank of
       the view, and 0, 1 or 2 for a negative value that stalls, one that moves, and another that
       stalls. Both rise with the value, so equal ends of an interval tell of all that is between

It serves float32 masters, whose classes the view does not tell, and the first step, which stalls
single values. Far fewer values are ever moved than can be drawn.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from drift.kernels.formats import FLOAT32
from drift.kernels.stepping.host import step_rows
from drift.kernels.value_map.classes import ValueClasses
from drift.kernels.value_map.first_step import bisect_classes
from drift.sim.matrix import nearest
from drift.sim.motions.motion import Motion

_AT_ONCE = 1 << 15
"""Values moved at a time: they stay in a core's second-level cache."""
_STEPS = 64
"""Steps whose displacements are made at once."""
_FRACTION = 0x7FFFFF
_SIDES = 3


class WholeMap:
    """The values of some dimensions, from step 0 to each of `steps`, rising.

    `ranks` and `limits` are those of kernels.value_map.first_step, of the drift's format; `dims`,
    int64 (dims,), are the numbers of the dimensions.
    """

    def __init__(
        self,
        motion: Motion,
        dims: np.ndarray,
        ranks: np.ndarray,
        limits: np.ndarray,
        steps: Sequence[int],
        pool: Executor,
    ):
        self._motion, self._dims, self._steps, self._pool = motion, dims, steps, pool
        self._target, self._arithmetic = motion.drift.target, motion.drift.arithmetic
        self._ranks, self._limits = ranks, limits

    def classes(self, most: float) -> list[tuple[ValueClasses, ValueClasses]] | None:
        """Return the classes at each step, whose values are ranks of the view, and those stalled.

        None for more than `most`, and where ties to even would tell neighbours apart.
        """
        if self._ties():
            return None
        found = bisect_classes(self._image, len(self._ranks), len(self._dims), most)
        if found is None:
            return None
        together = []
        for places in found.values.T:
            classes = replace(found, values=places).moved(places)
            ranks, side = np.divmod(classes.values, _SIDES)
            seen = ranks.astype(self._target.storage)
            together.append((replace(classes, values=seen), replace(classes, values=side != 1)))
        return together

    def _ties(self) -> bool:
        """Return whether a displacement may be half the spacing of values somewhere.

        It is a power of two then, and moves every other value alone.
        """
        at = np.concatenate([self._motion.displacements(s, s, self._dims) for s in self._steps])
        return bool(np.any((at != 0) & (at.view(np.uint32) & _FRACTION == 0)))

    def _image(self, dim: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Return the places of values at each of the steps, int64 (values, steps)."""
        parts = [slice(k, k + _AT_ONCE) for k in range(0, len(dim), _AT_ONCE)]
        found = self._pool.map(lambda part: self._walk(dim[part], value[part]), parts)
        return np.concatenate([np.zeros((0, len(self._steps)), np.int64), *found])

    def _walk(self, dim: np.ndarray, value: np.ndarray) -> np.ndarray:
        last, state = self._steps[-1], self._arithmetic.state
        lowest, highest = self._limits[:, dim]
        codes = self._target.code_of_rank(np.clip(self._ranks[value], lowest, highest))
        values, before = self._target.value(codes).astype(np.float32), np.empty(len(dim), "f4")
        places, step = np.empty((len(dim), len(self._steps)), np.int64), 0
        for first in range(1, last + 1, _STEPS):
            count = min(_STEPS, last + 1 - first)
            end = first if self._motion.equal else min(last, first + _STEPS - 1)
            block = self._motion.displacements(first, end, self._dims)
            for k in range(count):
                step = first + k
                displaced = block[0 if self._motion.equal else k][dim]
                before[...] = values
                if state == FLOAT32:
                    np.add(values, displaced, out=values)
                else:
                    codes = step_rows(codes[None], displaced[None], None, None, self._arithmetic)[0]
                    codes = codes[0]
                    values[...] = codes.view(state.dtype)
                if step in self._steps:
                    at = self._steps.index(step)
                    places[:, at] = self._place(before, values, displaced)
        return places

    def _place(self, before: np.ndarray, after: np.ndarray, displaced: np.ndarray) -> np.ndarray:
        target = self._target
        stalled = (before == after) & (displaced != 0)
        side = 1 + np.where(after < 0, -1, 1) * stalled
        return target.rank_of(nearest(after, target)).astype(np.int64) * _SIDES + side
