"""The classes of initial values after the first step, found by bisection.

Most initial values meet in it. A step is monotone: where it takes two values to one rank, it takes
all between them there. So intervals are halved whose ends part, in all dimensions at once, and few
values are ever moved.

drawable value  a value that a cloud may hold at step 0; they are numbered from the lowest
"""

from collections.abc import Callable

import numpy as np

from drift.kernels.formats import Arithmetic
from drift.kernels.stepping.host import step_rows
from drift.kernels.value_map.classes import ValueClasses

_AT_ONCE = 1 << 16
"""Values moved at a time: they stay in a core's second-level cache."""


Image = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Gives where values go, (values,) or (values, places), from the dimension and the number of each,
int64 (values,). In every dimension each place rises with the number, or stays."""


def bisect_classes(image: Image, drawable: int, dims: int, most: float) -> ValueClasses | None:
    """Return the classes of values 0 ... drawable - 1 that `image` takes to the same places.

    Their values are these places. None where more than `most` intervals are open at once.
    """
    dim, low = np.arange(dims), np.zeros(dims, np.int64)
    high = low + drawable - 1
    at_low, at_high = image(dim, low), image(dim, high)
    starts, values = [dim * drawable], [at_low]
    while len(dim):
        # Between two values that go to one place no class begins.
        parted = at_low != at_high
        parted = parted.any(axis=1) if parted.ndim > 1 else parted
        found = parted & (high == low + 1)
        starts.append(dim[found] * drawable + high[found])
        values.append(at_high[found])
        open_ = parted & ~found
        dim, low, high, at_low, at_high = (
            each[open_] for each in (dim, low, high, at_low, at_high)
        )
        if len(dim) > most:
            return None
        middle = (low + high) // 2
        between = image(dim, middle)
        dim, low, high = np.tile(dim, 2), np.append(low, middle), np.append(middle, high)
        at_low, at_high = np.concatenate([at_low, between]), np.concatenate([between, at_high])
    first = np.concatenate(starts)
    order = np.argsort(first)
    bounds = np.searchsorted(first, np.arange(dims + 1) * drawable, sorter=order)
    return ValueClasses(bounds, first[order], np.concatenate(values)[order])


class FirstStep:
    """The first step of some dimensions.

    `ranks` (drawable values,) are those of the drawable values, which rise; `limits`, (2, dims),
    are the lowest and the highest rank that counts in each dimension: those beyond count as it.
    `displacements` float32 (dims,); `factors` float32 (1,), of a decay.
    """

    def __init__(
        self,
        ranks: np.ndarray,
        limits: np.ndarray,
        displacements: np.ndarray,
        arithmetic: Arithmetic,
        factors: np.ndarray | None = None,
    ):
        self._factors = factors
        self._ranks, self._limits, self._displacements = ranks, limits, displacements
        self._arithmetic, self._state = arithmetic, arithmetic.state

    def classes(self, most: float) -> ValueClasses | None:
        """Return the classes after the step; their values are ranks. None for more than `most`."""
        drawable, dims = len(self._ranks), len(self._displacements)
        return bisect_classes(self._image, drawable, dims, most)

    def _image(self, dim: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Return the ranks to which the step takes drawable values, given by their numbers."""
        found = np.empty(len(dim), self._state.storage)
        for start in range(0, len(dim), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            lowest, highest = self._limits[:, dim[part]]
            ranks = np.clip(self._ranks[value[part]], lowest, highest)
            codes = self._state.code_of_rank(ranks)[None]
            steps = self._displacements[None, dim[part]]
            moved = step_rows(codes, steps, None, None, self._arithmetic, factors=self._factors)
            found[part] = self._state.rank_of(moved.codes[0])
        return found
