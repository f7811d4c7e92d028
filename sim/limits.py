"""How large a drawn coordinate may be, for its drift to stay inside the format's range.

A run is refused where its cloud holds a larger one (sim.reach). A prediction has no
cloud; it is refused where more likely than not a run would be.
"""

import math

import numpy as np

from drift.sim import reach
from drift.sim.errors import BadInput
from drift.sim.normal import masses
from drift.sim.spec import Drift


def limits(drift: Drift, u: np.ndarray) -> np.ndarray:
    """The largest magnitude that is accepted in each dimension, int64 (dims,); -1 for none.

    `u`, float64 (dims,), is the direction; magnitudes are codes without their sign.
    """
    target, distance = drift.target, drift.radius * np.abs(u)
    every = target.magnitudes()[:-1]
    found = np.searchsorted(every, target.largest - distance, side="right") - 1
    too_far = (found >= 0) & (every[found] + distance > target.largest)  # by a rounding
    return found - too_far


def check(drift: Drift, u: np.ndarray) -> None:
    """Raise BadInput where a drawn cloud would more likely than not leave the range."""
    largest, sigma = limits(drift, u), drift.sigma
    assert sigma is not None, "the cloud is a checkpoint's"
    every = drift.target.magnitudes()
    midpoints = (every[largest] + every[largest + 1]) / 2
    with np.errstate(over="ignore"):
        beyond = masses(np.minimum(midpoints / sigma, 30.0))[1]
    beyond[largest < 0] = 1.0
    if drift.tokens * float(beyond.sum()) > math.log(2):
        raise BadInput(
            f"radius is {drift.radius:g}; a drift of sigma {sigma:g} would more likely than not"
            f" leave {drift.format}'s range, which ends at {drift.target.largest:.5g}"
        )


def bound(drift: Drift, u: np.ndarray, drawn: np.ndarray) -> float:
    """A magnitude that no value exceeds where `drawn`, int64 (dims,), are the largest at first.

    Raises BadInput where rounding carries one of them out of the range.
    """
    extent = drift.target.value(drawn)
    reach.check(drift, u, extent, 1.0)
    return reach.bound(drift, u, extent, 1.0)
