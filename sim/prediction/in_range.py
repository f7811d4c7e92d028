"""The range check of a prediction, which has no cloud.

A run is refused where its cloud holds a value that leaves the format's range
(sim.engines.range_check). A prediction has no cloud; it is refused where more likely than not a
run would be.
"""

import math

import numpy as np

from drift.sim.engines import range_check
from drift.sim.errors import BadInput
from drift.sim.sampling.normal import masses
from drift.sim.spec.drift import Drift


def largest_starts(drift: Drift, u: np.ndarray) -> np.ndarray:
    """Return the largest magnitude accepted in each dimension, int64 (dims,); -1 for none.

    `u`, float64 (dims,), is the direction; magnitudes are codes without their sign.
    """
    target, distance = drift.target, drift.radius * np.abs(u)
    every = target.magnitudes()[:-1]
    found = np.searchsorted(every, target.largest - distance, side="right") - 1
    # The difference was rounded: a sum just beyond the largest value may seem to fit.
    too_far = (found >= 0) & (every[found] + distance > target.largest)
    return found - too_far


def check_likely_in_range(drift: Drift, u: np.ndarray) -> None:
    """Raise BadInput where a drawn cloud would more likely than not leave the range."""
    largest, sigma = largest_starts(drift, u), drift.sigma
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


def largest_transported(drift: Drift, u: np.ndarray, largest: np.ndarray) -> float:
    """Return a magnitude that no value exceeds, from the `largest` drawn, int64 (dims,).

    Raises BadInput where rounding carries one of them out of the range.
    """
    extent = drift.target.value(largest)
    range_check.check_range(drift, u, extent, 1.0)
    return range_check.largest_reached(drift, u, extent, 1.0)
