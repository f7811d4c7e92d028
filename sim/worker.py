"""What a worker does: a process elsewhere that counts batches for a sweep (sim.team).

One thread does all of it, a batch after another, whatever else Dask has the process do:
it has its own share of the machine (sim.share), taken before JAX looks at it. What is
counted here is what sim.cells counts anywhere.
"""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from drift.sim import cache, device, share
from drift.sim.cells import Counted, Here
from drift.sim.errors import BadInput
from drift.sim.grid import Grid
from drift.sim.plan import plan
from drift.sim.ready import made_by

_hand = ThreadPoolExecutor(1, "drift")
_sweeps: dict[str, Here] = {}


@dataclass(frozen=True)
class Orders:
    """What all workers of a sweep are told; the options are those of sim.sweeping."""

    sweep: str
    """its name, which nobody else has"""
    grid: Grid
    inputs: dict[str, str]
    """what the grid rests on where the sweep was begun: sim.grid_check"""
    on: str
    engine: str
    devices: int
    memory: int | None


@dataclass(frozen=True)
class Seat:
    """Where a worker sits."""

    index: int
    """its number among the workers of its machine"""
    neighbours: int
    """how many they are, itself too"""
    threads: int
    """cores it may use"""


@dataclass(frozen=True)
class Met:
    """What a worker says of itself."""

    about: dict[str, Any]
    """what a store's attributes say of who made it: sim.ready.made_by"""
    threads: int
    """that work side by side"""


def dask_setup(worker: Any) -> None:
    """Called by Dask in the workers that a sweep starts: signals are for the sweep to heed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def meet(orders: Orders, seat: Seat) -> Met:
    """Make ready. Raises BadInput where this worker can't do as the orders say."""
    return _hand.submit(_meet, orders, seat).result()


def count(sweep: str, cells: np.ndarray) -> Counted:
    """Count a batch of a sweep whose orders were met."""
    return _hand.submit(lambda: _sweeps[sweep].count(cells)).result()


def leave(sweep: str) -> None:
    """Forget a sweep."""
    _sweeps.pop(sweep, None)


def _meet(orders: Orders, seat: Seat) -> Met:
    share.take_cores(seat.index, seat.threads)
    cache.turn_on()
    if orders.on == "cpu":
        device.only_cpu()
    else:
        share.take_accelerators(seat.index, seat.neighbours, orders.devices)
    allowed = (orders.memory or device.free_memory()) // seat.neighbours
    made = plan(orders.grid, orders.on, orders.engine, orders.devices, allowed, seat.index)
    for name, digest in orders.inputs.items():
        if made.inputs[name] != digest:
            raise BadInput(f"it finds another {name} than the sweep does")
    threads = device.workers(made.shards.devices[0])
    pool = ThreadPoolExecutor(threads)
    _sweeps[orders.sweep] = Here(orders.grid, made.shards, pool, orders.engine)
    return Met(made_by(orders.engine, made.shards), threads)
