"""Which small drifts are moved by value, many at once (sim.alike), and which by coordinate.

alike   of drifts that are handed over together: with equal displacements
"""

import math

import numpy as np

from drift.sim import conversion, engines
from drift.sim.spec import Drift

_FEWEST, _SMALLEST = 8, 4096
"""Drifts that are worth it, and tokens of them all."""
_CROWDED = 1 / 8
"""Of their coordinates, so many may be classes of the base, roughly."""
_FAR = 3.0
"""Standard deviations within which nearly all tokens are."""


def motion(drift: Drift) -> object:
    """What drifts of one kind have in common whose displacements are equal."""
    return drift.radius, drift.decay, drift.direction, drift.direction_seed


def gains(drift: Drift, count: int) -> bool:
    """Whether so many drifts like this one are better moved by value than by coordinate.

    That is so where few values are left in each dimension at the first record after
    step 0; how many, the lattice tells about where they are by then.
    """
    moved = [step for step in drift.record_steps if step]
    few = count < _FEWEST or count * drift.tokens < _SMALLEST
    if few or engines.obstacle(drift) or drift.sigma is None or not moved:
        return False
    # Half a typical displacement: a quarter of the dimensions have smaller ones.
    reached = drift.radius / math.sqrt(drift.dims) * moved[0] / drift.steps / 2
    ends = np.array([reached - _FAR * drift.sigma, reached + _FAR * drift.sigma], np.float32)
    low, high = drift.target.place(conversion.nearest(ends, drift.target)).astype(int)
    return bool(high - low + 1 <= max(1.0, _CROWDED * drift.tokens))
