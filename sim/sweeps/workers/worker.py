"""What a worker does: a process elsewhere that counts batches for a sweep.

One thread does all of it, a batch after another, whatever else Dask has the process do:
it has its own share of the machine (sim.devices.device), taken before JAX looks at it. What is
counted here is what sim.sweeps.local counts anywhere.
"""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from drift.sim.devices import cache, device
from drift.sim.errors import BadInput
from drift.sim.runs.prepare import provenance
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.local import BatchResult, LocalExecutor
from drift.sim.sweeps.plan import plan

_hand = ThreadPoolExecutor(1, "drift")
_sweeps: dict[str, LocalExecutor] = {}


@dataclass(frozen=True)
class Orders:
    """What all workers of a sweep are told; the options are those of sim.sweeps.sweep."""

    sweep: str
    """its name, which nobody else has"""
    grid: Grid
    inputs: dict[str, str]
    """what the grid rests on where the sweep was begun: sim.sweeps.plan"""
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
    """what a store's attributes say of who made it: sim.runs.prepare.provenance"""
    threads: int
    """that work side by side"""


def dask_setup(worker: Any) -> None:
    """Called by Dask in the workers that a sweep starts: signals are for the sweep to heed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def meet(orders: Orders, seat: Seat) -> Met:
    """Make ready. Raises BadInput where this worker can't do as the orders say."""
    return _hand.submit(_meet, orders, seat).result()


def count(sweep: str, cells: np.ndarray) -> BatchResult:
    """Count a batch of a sweep whose orders were met."""
    return _hand.submit(lambda: _sweeps[sweep].count(cells)).result()


def leave(sweep: str) -> None:
    """Forget a sweep."""
    _sweeps.pop(sweep, None)


def _meet(orders: Orders, seat: Seat) -> Met:
    device.take_cores(seat.index, seat.threads)
    cache.turn_on()
    if orders.on == "cpu":
        device.only_cpu()
    else:
        device.take_accelerators(seat.index, seat.neighbours, orders.devices)
    allowed = (orders.memory or device.free_memory()) // seat.neighbours
    made = plan(orders.grid, orders.on, orders.engine, orders.devices, allowed, seat.index)
    for name, digest in orders.inputs.items():
        if made.inputs[name] != digest:
            raise BadInput(f"it finds another {name} than the sweep does")
    threads = device.worker_count(made.shards.devices[0])
    pool = ThreadPoolExecutor(threads)
    _sweeps[orders.sweep] = LocalExecutor(orders.grid, made.shards, pool, orders.engine)
    return Met(provenance(orders.engine, made.shards), threads)
