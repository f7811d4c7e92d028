"""The step at which a typical coordinate of each dimension stalls: one that starts at 0."""

import numpy as np

from drift.kernels.value_map.iterate import STALL_BLOCK, STALL_WIDTH, stall
from drift.sim.direction import direction
from drift.sim.obstacles import check
from drift.sim.schedule import displacements
from drift.sim.spec import Drift


def stall_steps(drift: Drift) -> list[int | None]:
    """The first step that leaves 0's image where it was though displaced, by dimension.

    None where there is none within the drift's steps. Weights never rise, so whatever
    has stalled stays. Raises BadInput where no exact form applies.
    """
    check(drift)
    u = direction(drift.direction, drift.dims, drift.direction_seed)
    return [
        found
        for start in range(0, drift.dims, STALL_WIDTH)
        for found in _stalled(drift, u[start : start + STALL_WIDTH])
    ]


def _stalled(drift: Drift, u: np.ndarray) -> list[int | None]:
    """Those of the dimensions, at most WIDTH, in which the direction is `u`."""
    motion, values = drift.motion, np.zeros(STALL_WIDTH, np.float32)
    found = np.zeros(len(u), np.int64)
    moved = displacements(drift, u, 1, 1)[0] != 0
    for first in range(1, drift.steps + 1, STALL_BLOCK):
        last = min(first + STALL_BLOCK - 1, drift.steps)
        block = np.zeros((STALL_BLOCK, STALL_WIDTH), np.float32)
        block[: last - first + 1, : len(u)] = displacements(drift, u, first, last)
        taken = np.int32(last - first + 1)
        values, at = stall(values, block, taken, held=motion.held, rounding=drift.rounding)
        now = np.asarray(at)[: len(u)]
        found = np.where((found == 0) & (now < STALL_BLOCK), first + now, found)
        if np.all(found[moved]):
            break
    return [int(step) or None for step in found]
