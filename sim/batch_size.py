"""How many small drifts are handed over together to be counted: sim.batch.

kind    what drifts have in common that are handed over together
alike   drifts whose displacements are equal too; many of them are moved by value (sim.alike)
"""

from typing import Any

from drift.sim import engines
from drift.sim.likeness import gains
from drift.sim.spec import Drift

_BYTES = 8 << 20
"""Codes that are moved in one call."""
_MOST = 32
"""Members of one call: more would wait longer for each other and gain nothing."""
_ALIKE_BYTES, _MOST_ALIKE = 32 << 20, 256
"""The same where drifts may be alike, of which more gain something."""


def kind(drift: Drift) -> tuple[Any, ...]:
    """What drifts that are handed over together have in common; it can be a key."""
    cloud = drift.tokens, drift.dims, drift.survivors
    return *cloud, drift.motion, drift.schedule, drift.steps, drift.records, drift.at


def size(drift: Drift, platform: str, devices: int, threads: int, engine: str = "auto") -> int:
    """How many are best handed over at once; 1 for a drift that goes alone.

    There are so many `devices`, and for one as many `threads` that work side by side.
    """
    many = places(drift, platform, devices, engine)
    if by_value(drift, platform, engine, devices):
        return max(many * threads, _most_alike(drift))
    return 1 if many == 1 else many * threads


def by_value(drift: Drift, platform: str, engine: str = "auto", devices: int = 1) -> bool:
    """Whether drifts of its kind are moved by value where many are alike: sim.likeness."""
    several = places(drift, platform, devices, engine) > 1
    return several and platform == "cpu" and gains(drift, _most_alike(drift))


def _most_alike(drift: Drift) -> int:
    return min(_MOST_ALIKE, _ALIKE_BYTES // _codes(drift))


def memory(drift: Drift, together: int) -> int:
    """Bytes that so many drifts of its kind take, roughly: their codes, in several forms."""
    return 4 * together * _codes(drift)


def _codes(drift: Drift) -> int:
    """Bytes of its codes as they are moved."""
    return drift.motion.held.storage.itemsize * drift.tokens * drift.dims


def places(drift: Drift, platform: str, devices: int, engine: str) -> int:
    """How many drifts of its kind are moved in one call."""
    leaps = engines.choose(drift, engine, platform, devices) == "leap"
    return 1 if leaps or devices > 1 else min(_MOST, max(1, _BYTES // _codes(drift)))
