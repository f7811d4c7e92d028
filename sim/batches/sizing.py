"""The number of small drifts counted together, and their way: by value or by coordinate.

group  drifts that can be handed over together: their key is what they have in common
slot   a place on the device for the cloud of one drift of a call
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from drift.kernels.formats import Format
from drift.kernels.stepping import host
from drift.sim import matrix
from drift.sim.engines import choose
from drift.sim.spec.drift import Drift
from drift.sim.spec.fields import rows
from drift.sim.spec.motion_fields import MotionFields
from drift.sim.spec.motion_rules import has_equal_steps

_CROWDED = 1 / 4
"""The share of a drift's coordinates that may be classes, roughly, for it to be moved by value."""
_FAR = 3.0
"""Standard deviations within which nearly all tokens are."""


_MOTION = tuple(each for each in rows(MotionFields) if each not in ("jitter", "noise", "kahan"))
"""The fields of the motion beside them."""


def displacement_key(drift: Drift) -> object:
    """Return the fields that drifts of one group share where their displacements are equal."""
    along = drift.direction, drift.direction_seed
    return drift.radius, drift.decay, *along, *(getattr(drift, name) for name in _MOTION)


def by_value(drift: Drift, platform: str, engine: str = "auto", devices: int = 1) -> bool:
    """Return whether a drift is moved by value, by the host and without JAX.

    That is so for a small drawn cloud without randomness of its tokens, where few values are left
    in each dimension at the first record after step 0. Their number is estimated from the spacing
    of the lattice around them. It is so beside an accelerator too: to draw such a cloud and to tell
    its tokens apart takes the host longer than all that is done by value.
    """
    moved = [step for step in drift.record_steps if step]
    if slots(drift, platform, devices, engine) == 1 or not moved:
        return False
    unsupported = choose.leap_unsupported_reason(drift) or not host.supports(drift.arithmetic)
    # Of these motions the first step displaces nearly all dimensions by much the same.
    spread = drift.motion == "straight" and drift.direction in ("random", "diagonal")
    spread = spread and drift.centre is None and drift.shape == "normal"
    if drift.sigma is None or unsupported or not spread:
        return False
    # Half a typical displacement: a quarter of the dimensions have smaller ones.
    reached = drift.radius / math.sqrt(drift.dims) * moved[0] / drift.steps / 2
    return _values_around(reached, drift.sigma, drift.target) <= max(1.0, _CROWDED * drift.tokens)


@lru_cache(maxsize=1 << 12)
def _values_around(reached: float, sigma: float, target: Format) -> int:
    """Return how many values of the lattice nearly all tokens lie on, `sigma` around `reached`."""
    ends = np.array([reached - _FAR * sigma, reached + _FAR * sigma], np.float32)
    low, high = target.rank_of(matrix.nearest(ends, target)).astype(int)
    return int(high - low + 1)


_BYTES = 8 << 20
"""Bytes of the codes that are moved in one call."""
_MOST = 32
"""Replicas of one call: more would wait longer for each other and gain nothing."""
_COORDINATES, _MOST_BY_VALUE = 1 << 26, 1024
"""Coordinates, for each thread, and drifts that are moved by value together: about two seconds."""
SORTED = 1 << 22
"""Words that are kept sorted at a time, in all seeds of drifts that are moved by value."""
_PER_WORD, _PER_FORK = 40, 96 << 20
"""Bytes that a sorted word takes, with what is made of it, and those that a fork has of its own."""


def group_key(drift: Drift, platform: str, engine: str = "auto") -> tuple[Any, ...]:
    """Return the fields that drifts handed over together have in common; it can be a key.

    Those that are moved by value may differ in their steps, if they are counted as often, and if
    steps are equal, of which many cost as little as few.
    """
    alike = has_equal_steps(drift) and by_value(drift, platform, engine)
    steps = ("any", len(drift.record_steps)) if alike else ("of each", drift.steps)
    cloud = drift.tokens, drift.dims, drift.survivors
    motion = drift.schedule, drift.motion, *steps
    return *cloud, drift.arithmetic, *motion, drift.records, drift.at


def batch_size(
    drift: Drift, platform: str, devices: int, threads: int, engine: str = "auto"
) -> int:
    """Return how many are best handed over at once; 1 for a drift that goes alone.

    There are so many `devices`, and for one as many `threads` that work side by side.
    """
    in_a_call = slots(drift, platform, devices, engine)
    if by_value(drift, platform, engine, devices):
        most = _COORDINATES * threads // (drift.tokens * drift.dims)
        return max(1, min(_MOST_BY_VALUE, most))
    return 1 if in_a_call == 1 else in_a_call * threads


def batch_bytes(drift: Drift, count: int, processes: int = 1) -> int:
    """Return the bytes that `count` such drifts take, roughly: their codes, in several forms.

    So many `processes` share those that are moved by value.
    """
    coordinates = drift.tokens * drift.dims
    together = max(4 * min(count, 2 * _MOST) * _codes(drift), _PER_WORD * max(SORTED, coordinates))
    return together + (processes - 1) * _PER_FORK


def _codes(drift: Drift) -> int:
    """Return the bytes of its codes as they are moved."""
    return drift.arithmetic.state.storage.itemsize * drift.tokens * drift.dims


def slots(drift: Drift, platform: str, devices: int, engine: str) -> int:
    """Return how many drifts of its group are moved in one call."""
    leaps = choose.choose_engine(drift, engine, platform, devices) == "leap"
    if leaps or devices > 1 or drift.weight_decay or drift.kahan or drift.noise:
        return 1
    return min(_MOST, max(1, _BYTES // _codes(drift)))
