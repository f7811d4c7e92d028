"""Small drifts of one kind, moved and counted together: one alone leaves a processor idle.

kind    what drifts have in common that are handed over together
member  one of the drifts that are moved in one call (sim.members)
alike   drifts whose displacements are equal too; many of them are moved by value (sim.alike)

Every count has the bits that sim.simulation gives. That is also who does a drift that
is too large for this, or leaps.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import numpy as np

from kernels.advance import plain
from sim import alike_tally, engines, rest
from sim.alike_start import Start
from sim.chunks import Chunks
from sim.counts import Counts
from sim.device import workers
from sim.grid import recorded
from sim.likeness import gains, motion
from sim.members import Members
from sim.shards import Shards
from sim.simulation import Simulation
from sim.spec import Drift
from sim.tally import Tally

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


def together(drift: Drift, on: jax.Device | Shards, engine: str = "auto") -> int:
    """How many drifts of its kind are best handed over at once; 1 for one that goes alone."""
    shards = Shards.of(on)
    return size(drift, shards.platform, len(shards), workers(shards.devices[0]), engine)


def size(drift: Drift, platform: str, devices: int, threads: int, engine: str = "auto") -> int:
    """The same for devices elsewhere, where as many `threads` work side by side."""
    places = _places(drift, platform, devices, engine)
    if places > 1 and platform == "cpu" and gains(drift, _MOST_ALIKE):
        return max(places * threads, min(_MOST_ALIKE, _ALIKE_BYTES // _codes(drift)))
    return 1 if places == 1 else places * threads


def counted(
    drifts: list[Drift],
    on: jax.Device | Shards,
    pool: ThreadPoolExecutor,
    engine: str = "auto",
) -> list[list[Counts]]:
    """The records of each of `drifts`, which are of one kind: Batch."""
    return Batch(drifts, on, pool, engine).counts()


class Batch:
    """Drifts of one kind that are to be counted; what can be done before is done from now on.

    `pool` has a thread for each of the device's workers; several devices share each
    drift.
    """

    def __init__(
        self,
        drifts: list[Drift],
        on: jax.Device | Shards,
        pool: ThreadPoolExecutor,
        engine: str = "auto",
    ):
        self.drifts, self._shards, self._pool, self._engine = drifts, Shards.of(on), pool, engine
        self._places = _places(drifts[0], self._shards.platform, len(self._shards), engine)
        groups: dict[object, list[int]] = {}
        if self._places > 1 and self._shards.platform == "cpu":
            for k, drift in enumerate(drifts):
                groups.setdefault(motion(drift), []).append(k)
        self._alike = [
            (group, pool.submit(Start, [drifts[k] for k in group]))
            for group in groups.values()
            if gains(drifts[group[0]], len(group))
        ]

    def counts(self) -> list[list[Counts]]:
        """The records of each drift; all of them, also repeats.

        Raises BadInput for a drift that leaves its format's range (which one, handing
        them over one by one tells) and where the engine, as in sim.run, does not apply.
        """
        found: list[dict[int, Counts]] = [{} for _ in self.drifts]
        others = set(range(len(found)))
        for group, start in self._alike:
            others -= set(group)
            for k, counts in zip(group, alike_tally.counted(start.result()), strict=True):
                found[k] = counts
        for k, counts in zip(sorted(others), self._others(sorted(others)), strict=True):
            found[k] = counts
        steps = _all_records(self.drifts[0])
        return [[counts[step] for step in steps] for counts in found]

    def _others(self, which: list[int]) -> Iterator[dict[int, Counts]]:
        """The counts by step of those that are not alike, one by one."""
        drifts = [self.drifts[k] for k in which]
        if self._places == 1:
            for drift in drifts:
                yield _alone(drift, self._shards, self._pool, self._engine)
            return
        parts = [drifts[k : k + self._places] for k in range(0, len(drifts), self._places)]
        move = partial(_together, places=self._places, on=self._shards.devices[0])
        for counts in self._pool.map(move, parts):
            yield from counts


def _codes(drift: Drift) -> int:
    """Bytes of its codes as they are moved."""
    return drift.motion.held.storage.itemsize * drift.tokens * drift.dims


def _places(drift: Drift, platform: str, devices: int, engine: str) -> int:
    """How many drifts of its kind are moved in one call."""
    leaps = engines.choose(drift, engine, platform, devices) == "leap"
    return 1 if leaps or devices > 1 else min(_MOST, max(1, _BYTES // _codes(drift)))


def _all_records(drift: Drift) -> tuple[int, ...]:
    """The steps of all records, repeats too."""
    return drift.at if drift.at is not None else recorded(drift.steps, drift.records)


def _alone(
    drift: Drift, shards: Shards, pool: ThreadPoolExecutor, engine: str
) -> dict[int, Counts]:
    """The counts of one drift by step."""
    chunks = Chunks.plan(drift.tokens, drift.dims, workers(shards.devices[0]), devices=len(shards))
    name = engines.choose(drift, engine, shards.platform, len(shards))
    simulation = Simulation(drift, chunks, shards, pool, name)
    return {state.counts.step: state.counts for state in simulation.states(drift.record_steps)}


def _together(drifts: list[Drift], places: int, on: jax.Device) -> list[dict[int, Counts]]:
    """The counts of each drift by step."""
    members, first = Members(drifts, places, on, plain(on.platform)), drifts[0]
    tally = Tally(members.each)
    found: list[dict[int, Counts]] = [{} for _ in drifts]
    still = np.array([rest.stalled_at(each.drift, each.u) for each in members.each])
    stalled, resting, seen = np.zeros(len(drifts), np.int64), False, None
    for step in first.record_steps:
        if step and first.survivors is not None:
            members.observe_only(step)
        moved = seen is None
        while members.step < step and not resting:
            seen, moved = members.move(step), True
            stalled = np.asarray(seen.stalled)[: len(drifts)].sum(axis=1, dtype=np.int64)
            resting = rest.may_come(first) and np.array_equal(stalled, still)
        if seen is None or (moved and members.step < step):
            seen = members.stay()  # nobody has looked yet, or since it came to rest
        for mine, one in zip(found, tally.counts(step, seen, stalled, moved), strict=True):
            mine[step] = one
    return found
