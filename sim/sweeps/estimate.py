"""An estimate of what a sweep takes: memory, disk, and the time, by a short probe.

probe   a batch of one kind of points that is counted for its time alone. Where that would
        take long its points have fewer steps and records, and the rest is taken to cost
        what sim.engines.choose says
rate    seconds for a unit of that cost, in a batch that is full; one that is not takes
        as long

The cheapest and the dearest kind are probed; kinds in between have rates in between.
"""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drift.sim.batches import batch, sizing
from drift.sim.devices import compilation, device
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.local import attempt
from drift.sim.sweeps.point_order import PointGroups, cost_of

if TYPE_CHECKING:
    from drift.sim.devices.host import Host
    from drift.sim.devices.shards import Shards

_COST = 1e9
"""Cost of the first batch that is probed, at most, in the units of sim.engines.choose."""
_SECONDS = 1.0
"""Time of a second batch, which is as much longer; else the first one is enough."""


@dataclass(frozen=True)
class Probe:
    """A batch of `points` of the drift `counted`, timed.

    `compiling` are seconds; `rate` is cost per second, in the units of sim.engines.choose.
    """

    points: int
    counted: Drift
    meant: Drift
    """the first of the points as they will be"""
    seconds: float
    """without compiling"""
    compiling: float
    rate: float
    failed: str = ""
    """why there is no rate"""


@dataclass(frozen=True)
class Estimate:
    """The `seconds` that points will take, from `probes`; None where none could be counted."""

    seconds: float | None
    probes: list[Probe]


def estimate(
    grid: Grid,
    kinds: PointGroups,
    points: np.ndarray,
    shards: "Shards | Host",
    engine: str = "auto",
) -> Estimate:
    """The time to count `points`, int64, rising."""
    if not len(points):
        return Estimate(0.0, [])
    of_cells = kinds.of(points)
    present, counts = np.unique(of_cells, return_counts=True)
    order = np.argsort(kinds.costs[present], kind="stable")
    ends = dict.fromkeys((int(present[order[0]]), int(present[order[-1]])))
    with ThreadPoolExecutor(device.threads(shards)) as pool:
        probes = [_probed(grid, points[of_cells == kind], shards, pool, engine) for kind in ends]
    good = [probe for probe in probes if not probe.failed]
    if not good:
        return Estimate(None, probes)
    first = [grid.drift(kinds.firsts[kind]) for kind in present]
    full = np.array([batch.batch_size(drift, shards, engine) for drift in first])
    costs = np.log([cost_of(probe.meant, shards.platform, engine) for probe in good])
    rates = np.interp(np.log(kinds.costs[present]), costs, [probe.rate for probe in good])
    seconds = float(np.sum(rates * kinds.costs[present] * full * -(-counts // full)))
    programs = {(drift.arithmetic, drift.tokens, drift.dims) for drift in first}
    compiling = max(probe.compiling for probe in good) * len(programs)
    return Estimate(seconds + compiling, probes)


def _probed(
    grid: Grid, points: np.ndarray, shards: "Shards | Host", pool: ThreadPoolExecutor, engine: str
) -> Probe:
    """A batch of `points`, which are of one kind."""
    meant = grid.drift(int(points[0]))
    full = batch.batch_size(meant, shards, engine)
    alike = sizing.by_value(meant, shards.platform, engine)
    drifts = [grid.drift(int(point)) for point in points[:full]]
    # Shortened drifts are of one group with each other alone.
    drifts = [each for each in drifts if sizing.by_value(each, shards.platform, engine) == alike]
    compiling, most, tried = 0.0, _COST, False
    while True:
        short = [_shortened(drift, full, shards.platform, engine, most) for drift in drifts]
        seconds, more, failed = _timed(short, shards, pool, engine)
        cost, compiling = full * cost_of(short[0], shards.platform, engine), compiling + more
        if failed or tried or seconds > _SECONDS / 2:
            rate = seconds / cost
            return Probe(len(short), short[0], meant, seconds, compiling, rate, failed)
        tried, most = True, cost * _SECONDS / seconds


def _timed(
    drifts: list[Drift], shards: "Shards | Host", pool: ThreadPoolExecutor, engine: str
) -> tuple[float, float, str]:
    """Seconds computing, seconds compiling, and why it failed, if it did."""
    began, compiled = time.monotonic(), compilation.seconds()
    found = attempt(lambda: batch.count_batch(drifts, shards, pool, engine))
    compiling = compilation.seconds() - compiled
    computing = time.monotonic() - began - compiling
    return computing, compiling, found if isinstance(found, str) else ""


def _shortened(drift: Drift, full: int, platform: str, engine: str, most: float) -> Drift:
    """The drift with so few steps and records that a batch of such costs no more than `most`."""
    if sizing.by_value(drift, platform, engine):
        return drift  # steps cost next to nothing
    while drift.steps > 1 and full * cost_of(drift, platform, engine) > most:
        fewer = math.ceil(drift.records / 2)
        drift = replace(drift, steps=drift.steps // 2, records=fewer)
    return drift
