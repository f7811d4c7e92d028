"""What moves the distinct values of each dimension, given the drift that they take part in.

With equal steps it is the powers of a table (kernels.value_map.power); otherwise, and with
master weights, whose values are too many for tables, the steps are followed one by
one (kernels.value_map.iterate).
"""

from concurrent.futures import Executor

import numpy as np

from drift.kernels.value_map.classes import Front
from drift.kernels.value_map.iterate import Following
from drift.kernels.value_map.power import Powers
from drift.sim.schedule import displacements
from drift.sim.spec import Drift


def moving(
    drift: Drift, u: np.ndarray, front: Front, origin: int, bound: float, pool: Executor
) -> Powers | Following:
    """What takes `front`, of the format that is held, on from the step `origin`.

    `u`, float64 (dims,), is the direction in the dimensions of the front, and `bound`
    a magnitude that no value exceeds.
    """
    motion = drift.motion
    if drift.schedule != "constant" or motion.held != motion.seen:

        def block(first: int, last: int) -> np.ndarray:
            return displacements(drift, u, first, last)

        steps = origin, drift.steps
        return Following(front, block, steps, motion.held, drift.rounding)
    equal, target = displacements(drift, u, 1, 1)[0], drift.target
    farthest = min(int(np.searchsorted(target.magnitudes(), bound)), target.largest_magnitude)
    ends = np.array([target.sign + farthest, farthest], target.storage)
    lowest, highest = target.place(ends).tolist()
    return Powers(front, equal, origin, target, drift.rounding, (lowest, highest), pool)
