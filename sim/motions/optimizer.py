"""The motion of an optimizer that a gradient drives which all tokens share.

Its state depends on step and dimension alone, so it is a way to make displacements. They are made
block after block and kept while there is room; the state before each block is kept too, so that
those that were given up can be made again.

state   the direction of the gradient and the moments before a step
"""

import threading
from abc import abstractmethod
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from drift.kernels.formats import FLOAT32
from drift.sim.displacements.sizes import SizeTable
from drift.sim.displacements.table import without_small
from drift.sim.errors import BadInput
from drift.sim.motions import gradient
from drift.sim.motions.arithmetic import rounding_to
from drift.sim.motions.learning_rate import learning_rates
from drift.sim.motions.motion import BLOCK, Motion
from drift.sim.motions.table import direction_of
from drift.sim.spec.drift import Drift

_KEPT_BYTES = 128 << 20
"""Bytes of displacements that are kept."""


class _State(NamedTuple):
    u: np.ndarray
    """float64 (dims,): the direction of the next gradient"""
    moments: tuple[np.ndarray, ...]
    """float32 (dims,) each; none before the first step"""


class OptimizerMotion(Motion):
    """The steps of an optimizer whose gradient begins along -`u`, float64 (dims,).

    Raises BadInput for a displacement that is not finite.
    """

    equal = falling = False

    def __init__(self, drift: Drift, u: np.ndarray):
        super().__init__(drift)
        self._along = u
        self.values = drift.target
        """the format of the gradient"""
        self.state = FLOAT32 if drift.state == "float32" else drift.target
        """the format of the moments"""
        self._states = [_State(u, ())]
        self._blocks: dict[int, np.ndarray] = {}
        self._most = max(2, _KEPT_BYTES // (4 * BLOCK * drift.dims))
        self._lock = threading.Lock()

    @abstractmethod
    def block(
        self, first: int, gradients: np.ndarray, moments: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the displacements of steps from `first` on, and the moments after them.

        Both gradients and displacements are float32 (steps, dims).
        """

    def rates(self, first: int, last: int) -> np.ndarray:
        """Return the learning rates of steps `first` ... `last`, float64 (steps,)."""
        return learning_rates(self.drift, first, last)

    def displacements(self, first: int, last: int, dims: np.ndarray | None = None) -> np.ndarray:
        """Return the displacements of steps `first` ... `last`, (steps, n), in `dims` or in all."""
        parts = [np.empty((0, self.dims if dims is None else len(dims)), np.float32)]
        for number in range((first - 1) // BLOCK, (last - 1) // BLOCK + 1):
            start = number * BLOCK + 1
            part = self._made(number)[max(first - start, 0) : last + 1 - start]
            parts.append(part if dims is None else part[:, dims])
        return parts[1] if len(parts) == 2 else np.concatenate(parts)

    def _made(self, number: int) -> np.ndarray:
        """Return a block of displacements, float32 (BLOCK or fewer, dims)."""
        with self._lock:
            while number not in self._blocks:
                self._make(min(number, len(self._states) - 1))
            return self._blocks[number]

    def _make(self, number: int) -> None:
        first, state = number * BLOCK + 1, self._states[number]
        last = min(first + BLOCK - 1, self.steps)
        along = gradient.directions(self.drift, state.u, first, last + 1)
        units = np.stack(list(islice(along, last + 1 - first)))
        sizes = gradient.sizes(self.drift, first, last)
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            gradients = rounding_to(self.values)((-sizes[:, None] * units).astype(np.float32))
            self._check(gradients, first, "a gradient")
            made, moments = self.block(first, gradients, state.moments)
        self._check(made, first, "a displacement")
        while len(self._blocks) >= self._most:
            self._blocks.pop(next(iter(self._blocks)))
        self._blocks[number] = without_small(made)
        if number + 1 == len(self._states):
            self._states.append(_State(next(along), moments))

    def _check(self, values: np.ndarray, first: int, what: str) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            step, dim = np.argwhere(~finite)[0].tolist()
            raise BadInput(
                f"motion is {self.drift.motion}; step {first + step} has {what} of"
                f" {values[step, dim]} in dim {dim}, which must be finite; a larger eps, or"
                " --state float32, keeps it so"
            )

    @cached_property
    def _survey(self) -> tuple[np.ndarray, np.ndarray]:
        total, reach = np.zeros(self.dims), np.zeros(self.dims)
        for block in self.blocks():
            for row in block:
                total += row
                reach += np.abs(row)
        return total, reach

    @property
    def u(self) -> np.ndarray:  # type: ignore[override]
        """float64 (dims,): the unit vector of all displacements together; NaN where that is 0."""
        return direction_of(self._survey[0])

    @property
    def reach(self) -> np.ndarray:  # type: ignore[override]
        """float64 (dims,): the sum of the magnitudes of all displacements."""
        return self._survey[1]

    def groups(self) -> tuple[np.ndarray, np.ndarray]:
        """Return one dimension of each group, and the group of every dimension, int64."""
        if self.drift.autocorrelation != 1:
            return super().groups()
        _, dims, group = np.unique(self._along, return_index=True, return_inverse=True)
        return dims, group

    @property
    def facts(self) -> dict[str, Any]:
        """The attribute `motion` of a store: the sizes of the gradient, if they are a table's."""
        sizes = self.drift.gradient
        if not isinstance(sizes, SizeTable):
            return {}
        return {"gradient": [list(row) for row in sizes.rows]}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that a store keeps of it: where its gradient begins."""
        return {"gradient_direction": self._along}
