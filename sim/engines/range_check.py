"""The range check: a drift must stay inside the format, which is known before it begins.

extent   the largest magnitude of the drawn cloud in each dimension
strength the largest |g| of any token, or 1 where none is larger

Rounding to nearest moves a coordinate by at most twice its displacement: x is
itself on the lattice, so the point nearest to x + c is no farther from it than x
is. Where even that leaves room nothing more is asked. Otherwise the outermost
coordinates of each dimension are walked through the whole drift: a step is a
monotone function, so if they stay inside, all do. Rounding toward zero never
overshoots, and stochastic rounding stops at the largest finite value.
"""

import numpy as np

from drift.sim import interrupts
from drift.sim.engines import reference
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements

_BLOCK = 1024
_STOCHASTIC_ROOM = 8.0
"""Stochastic steps wander; farther than this many reaches has no chance to happen."""


def largest_reached(drift: Drift, u: np.ndarray, extent: np.ndarray, strength: float) -> float:
    """Return a magnitude that no coordinate exceeds; `u` and `extent` are float64 (dims,)."""
    farthest = float(np.max(extent + 2.0 * drift.radius * strength * np.abs(u)))
    return farthest * (_STOCHASTIC_ROOM if drift.rounding == "stochastic" else 1.0)


def check_range(drift: Drift, u: np.ndarray, extent: np.ndarray, strength: float) -> None:
    """Raise BadInput where a coordinate would leave the format's range."""
    largest, distance = drift.target.largest, np.abs(u) * strength
    moving = distance > 0
    with np.errstate(over="ignore"):
        room = (largest - extent[moving]) / distance[moving]
        fits = float(np.min(room, initial=np.inf))
        outside = np.any(extent + drift.radius * distance > largest)
    if outside:
        raise BadInput(
            f"radius is {drift.radius:g}; the drift would leave {drift.format}'s range;"
            f" the largest radius that fits is {fits:.6g}"
        )
    may_overshoot = (
        drift.rounding == "nearest" and largest_reached(drift, u, extent, strength) > largest
    )
    if may_overshoot and not _walk_stays_inside(drift, u * strength, extent):
        raise BadInput(
            f"radius is {drift.radius:g}; in {drift.steps} steps rounding carries the drift out of"
            f" {drift.format}'s range; any radius up to {fits / 2:.6g} fits"
        )


def _walk_stays_inside(drift: Drift, u: np.ndarray, extent: np.ndarray) -> bool:
    state, largest = drift.arithmetic.state, drift.target.largest
    outermost = state.code(np.copysign(extent, u))
    for first in range(1, drift.steps + 1, _BLOCK):
        interrupts.give_up_if_pending()
        last = min(first + _BLOCK - 1, drift.steps)
        for displacement in displacements(drift, u, first, last):
            moved = reference.step(outermost, displacement, state, "nearest")
            if not np.all(np.abs(state.value(moved)) <= largest):
                return False
            if np.array_equal(moved, outermost):
                return True  # no later displacement is larger
            outermost = moved
    return True
