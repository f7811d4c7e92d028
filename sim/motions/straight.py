"""The straight motion: a radius along a direction, shared by the steps as a schedule says."""

import numpy as np

from drift.sim.motions.motion import Motion
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements


class StraightMotion(Motion):
    """The steps along `u`, float64 (dims,), whose lengths sim.spec.schedule gives."""

    falling = True  # weights never rise

    def __init__(self, drift: Drift, u: np.ndarray):
        super().__init__(drift, u)
        self.equal = drift.schedule == "constant"

    def displacements(self, first: int, last: int, dims: np.ndarray | None = None) -> np.ndarray:
        """Return the displacements of steps `first` ... `last`, (steps, n), in `dims` or in all."""
        u = self.u if dims is None else self.u[dims]
        if self.equal:
            return np.broadcast_to(displacements(self.drift, u, 1, 1), (last + 1 - first, len(u)))
        return displacements(self.drift, u, first, last)
