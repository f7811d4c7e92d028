"""Does the drift stay inside the format? Checked before anything is written.

reach   the largest magnitude of the drawn cloud in each dimension

A step moves a coordinate by at most twice its displacement: x is itself on the
lattice, so rounding x + c to the nearest point goes no farther from x + c than x
is. Where even that leaves room nothing more is asked. Otherwise the outermost
coordinates of each dimension are walked through the whole drift: a step is a
monotone function, so if they stay finite, all do.
"""

import ml_dtypes
import numpy as np

from sim.errors import BadInput
from sim.schedule import displacements
from sim.spec import Drift
from sim.thresholds import INFINITY, value_of

LARGEST = float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)

_BLOCK = 1024


def bound(drift: Drift, u: np.ndarray, reach: np.ndarray) -> float:
    """A magnitude that no coordinate exceeds at any step; `reach` float64 (dims,)."""
    return float(np.max(reach + 2.0 * drift.radius * np.abs(u)))


def check(drift: Drift, u: np.ndarray, reach: np.ndarray) -> None:
    """Raise BadInput where a coordinate would leave bfloat16's range."""
    if np.max(reach) >= value_of(INFINITY):
        raise BadInput(f"sigma is {drift.sigma:g}; a drawn value exceeds bfloat16's {LARGEST:.4g}")
    distance = np.abs(u)
    moving = distance > 0
    with np.errstate(over="ignore"):
        fits = float(np.min((LARGEST - reach[moving]) / distance[moving]))
        outside = np.any(reach + drift.radius * distance > LARGEST)
    if outside:
        raise BadInput(
            f"radius is {drift.radius:g}; the drift would leave bfloat16's range,"
            f" the largest radius that fits is {fits:.6g}"
        )
    if bound(drift, u, reach) > LARGEST and not _walk_stays_finite(drift, u, reach):
        raise BadInput(
            f"radius is {drift.radius:g}; in {drift.steps} steps rounding carries the drift out of"
            f" bfloat16's range, any radius up to {fits / 2:.6g} fits"
        )


def _walk_stays_finite(drift: Drift, u: np.ndarray, reach: np.ndarray) -> bool:
    outermost = np.copysign(reach, u).astype(ml_dtypes.bfloat16)
    for first in range(1, drift.steps + 1, _BLOCK):
        last = min(first + _BLOCK - 1, drift.steps)
        for displacement in displacements(drift, u, first, last):
            with np.errstate(over="ignore"):
                moved = (outermost.astype(np.float32) + displacement).astype(ml_dtypes.bfloat16)
            if not np.all(np.isfinite(moved)):
                return False
            if np.array_equal(moved, outermost):
                return True  # no later displacement is larger
            outermost = moved
    return True
