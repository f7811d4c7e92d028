"""The motion of a drift, whatever it is: the one way to it."""

from collections.abc import Callable

import numpy as np

from drift.sim.clouds.direction import direction
from drift.sim.motions.motion import Motion
from drift.sim.motions.straight import StraightMotion
from drift.sim.spec.drift import Drift


def motion_of(drift: Drift, centroid: Callable[[], np.ndarray] | None = None) -> Motion:
    """Return the motion of `drift`; `centroid` gives the mean of a checkpoint's rows.

    Raises BadInput where its direction can't be had (sim.clouds.direction).
    """
    return motion_along(
        drift, direction(drift.direction, drift.dims, drift.direction_seed, centroid)
    )


def motion_along(drift: Drift, u: np.ndarray) -> Motion:
    """Return the motion of `drift` whose direction is known, the unit vector `u`."""
    return StraightMotion(drift, u)
