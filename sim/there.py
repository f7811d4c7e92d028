"""Workers elsewhere as those who count the cells of a sweep (sim.counters)."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from drift.sim import batch_size, cluster, device, grid_check, worker
from drift.sim.counters import Counters, Gathering
from drift.sim.errors import BadInput
from drift.sim.grid import Grid
from drift.sim.kinds import Kinds
from drift.sim.line import Line
from drift.sim.team import Team
from drift.sim.worker import Orders

_WORKER_BYTES = 384 << 20
"""What libraries and programs take of each."""


def new(count: int) -> Gathering:
    """`count` worker processes on this machine, which share its cores.

    Raises BadInput for none, and for more than memory is free for.
    """
    most = max(1, device.free_memory() // _WORKER_BYTES)
    if not 1 <= count <= most:
        raise BadInput(f"workers is {count}; it must be 1 or more, and memory is free for {most}")
    return partial(_gathered, partial(cluster.local, count), max(1, device.cores() // count))


def at(address: str) -> Gathering:
    """The workers of the Dask scheduler at `address`."""
    return partial(_gathered, partial(cluster.running, address), None)


@contextmanager
def _gathered(
    connected: Callable[[], AbstractContextManager[Any]],
    threads: int | None,
    grid: Grid,
    on: str,
    engine: str,
    devices: int,
    memory: int | None,
) -> Iterator[Counters]:
    """The workers that are `connected`, each of which may use `threads` cores."""
    inputs = grid_check.check(grid)
    orders = Orders(uuid.uuid4().hex, grid, inputs, on, engine, devices, memory)
    with connected() as client:
        line = Line(client)
        try:
            team = Team(line, orders, threads)
            met = team.meet(cluster.ANSWER_SECONDS)[0]
            platform = met.about["device"]["platform"]
            together = partial(
                batch_size.size,
                platform=platform,
                devices=devices,
                threads=met.threads,
                engine=engine,
            )
            kinds, workers = Kinds(grid, platform, engine), len(team.roster.members)
            yield Counters(inputs, kinds, met.about, workers, together, team.count)
        finally:
            line.hang_up(worker.leave, orders.sweep)
