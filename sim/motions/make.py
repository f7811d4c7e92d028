"""The motion of a drift, whatever it is: the one way to it."""

from collections.abc import Callable

import numpy as np

from drift.sim.clouds.direction import direction
from drift.sim.displacements.table import DisplacementTable
from drift.sim.motions.adamw import AdamWMotion
from drift.sim.motions.motion import Motion
from drift.sim.motions.sgd import SGDMotion
from drift.sim.motions.straight import StraightMotion
from drift.sim.motions.table import TableMotion
from drift.sim.spec.drift import Drift


def motion_of(drift: Drift, centroid: Callable[[], np.ndarray] | None = None) -> Motion:
    """Return the motion of `drift`; `centroid` gives the mean of a checkpoint's rows.

    Raises BadInput where its direction can't be had (sim.clouds.direction), or its table.
    """
    if isinstance(drift.motion, DisplacementTable):
        return TableMotion(drift, drift.motion)
    return motion_along(
        drift, direction(drift.direction, drift.dims, drift.direction_seed, centroid)
    )


def motion_along(drift: Drift, u: np.ndarray) -> Motion:
    """Return the motion of `drift` whose direction is known, the unit vector `u`.

    Raises BadInput as `motion_of` does.
    """
    if isinstance(drift.motion, DisplacementTable):
        return TableMotion(drift, drift.motion)
    if drift.motion == "adamw":
        return AdamWMotion(drift, u)
    if drift.motion == "sgd":
        return SGDMotion(drift, u)
    return StraightMotion(drift, u)
