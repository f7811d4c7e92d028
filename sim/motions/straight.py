"""The straight motion: a radius along a direction, shared by the steps as a schedule says."""

import numpy as np

from drift.sim.motions.motion import Motion
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements, share

_FEW = 1 << 14
"""Steps whose displacements are added one by one; of more, the schedule's share tells the sum."""


class StraightMotion(Motion):
    """The steps along `u`, float64 (dims,), whose lengths sim.spec.schedule gives."""

    def __init__(self, drift: Drift, u: np.ndarray):
        super().__init__(drift)
        self.u, self.reach = u, drift.radius * np.abs(u)
        self.equal = drift.schedule == "constant" and not drift.weight_decay
        self.falling = not drift.weight_decay  # weights never rise

    def displacements(self, first: int, last: int, dims: np.ndarray | None = None) -> np.ndarray:
        """Return the displacements of steps `first` ... `last`, (steps, n), in `dims` or in all."""
        u = self.u if dims is None else self.u[dims]
        if self.drift.schedule == "constant":
            return np.broadcast_to(displacements(self.drift, u, 1, 1), (last + 1 - first, len(u)))
        return displacements(self.drift, u, first, last)

    def groups(self) -> tuple[np.ndarray, np.ndarray]:
        """Return one dimension of each group, and the group of every dimension, int64."""
        moved = self.displacements(1, 1)[0] != 0  # none is larger than the first
        along = np.where(moved, self.u, 0.0)
        _, dims, group = np.unique(along, return_index=True, return_inverse=True)
        return dims, group

    def asked(self, after: int, step: int) -> float:
        """Return the norm of the sum of the displacements of steps `after` + 1 ... `step`."""
        if self.drift.schedule == "constant" or step - after <= _FEW:
            return super().asked(after, step)
        return self.drift.radius * (share(self.drift, step) - share(self.drift, after))
