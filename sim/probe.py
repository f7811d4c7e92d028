"""What a sweep would take: memory, disk, and the time, by a short probe.

probe   a batch of one kind of cells that is counted for its time alone. Where that would
        take long its cells have fewer steps and records, and the rest is taken to cost
        what sim.engines says
rate    seconds for a unit of that cost

The cheapest and the dearest kind are probed; kinds in between have rates in between.
"""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from sim import batch, compilation, device
from sim.cells import attempt
from sim.grid import Grid
from sim.kinds import Kinds, cost_of
from sim.shards import Shards
from sim.spec import Drift

_COST = 5e9
"""Of a probe at most, in the units of sim.engines: about half a second."""
_ENOUGH_SECONDS = 0.3
"""A probe that took longer than that is not repeated without its compiling."""


@dataclass(frozen=True)
class Probe:
    """What was counted, and how long it took."""

    cells: int
    counted: Drift
    meant: Drift
    """the first of the cells as they will be"""
    seconds: float
    """without compiling"""
    compiling: float
    rate: float
    failed: str = ""
    """why there is no rate"""


@dataclass(frozen=True)
class Estimate:
    """The time that cells will take; None where no probe could be counted."""

    seconds: float | None
    probes: list[Probe]


def estimate(
    grid: Grid, kinds: Kinds, cells: np.ndarray, shards: Shards, engine: str = "auto"
) -> Estimate:
    """The time to count `cells`, int64, rising."""
    if not len(cells):
        return Estimate(0.0, [])
    of_cells = kinds.of(cells)
    present, counts = np.unique(of_cells, return_counts=True)
    order = np.argsort(kinds.costs[present], kind="stable")
    ends = dict.fromkeys((int(present[order[0]]), int(present[order[-1]])))
    with ThreadPoolExecutor(device.workers(shards.devices[0])) as pool:
        probes = [_probed(grid, cells[of_cells == kind], shards, pool, engine) for kind in ends]
    good = [probe for probe in probes if not probe.failed]
    if not good:
        return Estimate(None, probes)
    costs = np.log([cost_of(probe.meant, shards.platform, engine) for probe in good])
    rates = np.interp(np.log(kinds.costs[present]), costs, [probe.rate for probe in good])
    seconds = float(np.sum(rates * kinds.costs[present] * counts))
    programs = {
        (drift.motion, drift.tokens, drift.dims)
        for drift in (grid.drift(kinds.firsts[kind]) for kind in present)
    }
    compiling = max(probe.compiling for probe in good) * len(programs)
    return Estimate(seconds + compiling, probes)


def _probed(
    grid: Grid, cells: np.ndarray, shards: Shards, pool: ThreadPoolExecutor, engine: str
) -> Probe:
    """A batch of `cells`, which are of one kind."""
    first = grid.drift(int(cells[0]))
    drifts = [grid.drift(int(cell)) for cell in cells[: batch.together(first, shards, engine)]]
    short = [_shortened(drift, len(drifts), shards.platform, engine) for drift in drifts]
    seconds, compiling, failed = _timed(short, shards, pool, engine)
    if not failed and compiling and seconds < _ENOUGH_SECONDS:
        seconds, _, failed = _timed(short, shards, pool, engine)
    cost = len(short) * cost_of(short[0], shards.platform, engine)
    return Probe(len(short), short[0], first, seconds, compiling, seconds / cost, failed)


def _timed(
    drifts: list[Drift], shards: Shards, pool: ThreadPoolExecutor, engine: str
) -> tuple[float, float, str]:
    """Seconds computing, seconds compiling, and why it failed, if it did."""
    began, compiled = time.monotonic(), compilation.seconds()
    found = attempt(lambda: batch.counted(drifts, shards, pool, engine))
    compiling = compilation.seconds() - compiled
    computing = time.monotonic() - began - compiling
    return computing, compiling, found if isinstance(found, str) else ""


def _shortened(drift: Drift, together: int, platform: str, engine: str) -> Drift:
    """The drift with so few steps and records that it takes no longer than a probe may."""
    while drift.steps > 1 and together * cost_of(drift, platform, engine) > _COST:
        fewer = math.ceil(drift.records / 2)
        drift = replace(drift, steps=drift.steps // 2, records=fewer)
    return drift
