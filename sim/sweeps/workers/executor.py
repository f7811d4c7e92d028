"""Workers elsewhere as those who count the cells of a sweep (sim.sweeps.local)."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from drift.sim.batches import sizing
from drift.sim.devices import device
from drift.sim.errors import BadInput
from drift.sim.sweeps import plan
from drift.sim.sweeps.cell_order import PointGroups
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.local import Executor, OpenExecutor
from drift.sim.sweeps.workers import cluster, worker
from drift.sim.sweeps.workers.line import Line
from drift.sim.sweeps.workers.team import Team
from drift.sim.sweeps.workers.worker import Orders

_WORKER_BYTES = 384 << 20
"""What libraries and programs take of each."""


def new_workers(count: int) -> OpenExecutor:
    """`count` worker processes on this machine, which share its cores.

    Raises BadInput for none, and for more than memory is free for.
    """
    most = max(1, device.free_memory() // _WORKER_BYTES)
    if not 1 <= count <= most:
        raise BadInput(f"workers is {count}; it must be 1 or more, and memory is free for {most}")
    return partial(
        _gathered, partial(cluster.local_cluster, count), max(1, device.cores() // count)
    )


def workers_at(address: str) -> OpenExecutor:
    """The workers of the Dask scheduler at `address`."""
    return partial(_gathered, partial(cluster.running_scheduler, address), None)


@contextmanager
def _gathered(
    connected: Callable[[], AbstractContextManager[Any]],
    threads: int | None,
    grid: Grid,
    on: str,
    engine: str,
    devices: int,
    memory: int | None,
) -> Iterator[Executor]:
    """The workers that are `connected`, each of which may use `threads` cores."""
    inputs = plan.check_grid(grid)
    orders = Orders(uuid.uuid4().hex, grid, inputs, on, engine, devices, memory)
    with connected() as client:
        line = Line(client)
        try:
            team = Team(line, orders, threads)
            met = team.meet(cluster.ANSWER_SECONDS)[0]
            platform = met.about["device"]["platform"]
            together = partial(
                sizing.batch_size,
                platform=platform,
                devices=devices,
                threads=met.threads,
                engine=engine,
            )
            kinds, workers = PointGroups(grid, platform, engine), len(team.roster.members)
            yield Executor(inputs, kinds, met.about, workers, together, team.count)
        finally:
            line.hang_up(worker.leave, orders.sweep)
