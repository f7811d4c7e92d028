"""The part of a Dask worker in a sweep: it makes ready once, and counts batches one by one.

One thread does all of it, whatever else Dask has the process do: it has its own share of the
machine (sim.devices.device), taken before JAX looks at it. A scheduler loads this module too, to
read what is submitted, and answers nobody meanwhile: what takes long to load waits for that thread.
"""

import asyncio
import ctypes
import functools
import os
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import distributed
from distributed.diagnostics.plugin import WorkerPlugin
from filelock import FileLock, Timeout

from drift.sim import interrupts
from drift.sim.errors import BadInput, printable
from drift.sim.source_digest import programs

if TYPE_CHECKING:
    import numpy as np

    from drift.sim.sweeps.grid import Grid
    from drift.sim.sweeps.local import BatchResult, LocalExecutor

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _MMAP_BYTES = -1, -3, 32 << 20
"""Numbers of two settings of glibc's malloc, and how far it would raise the second by itself."""
_MOST_REASON = 500
"""Characters of why a worker can't take part."""
_thread = ThreadPoolExecutor(1, "drift")
_sweeps: "dict[str, LocalExecutor]" = {}
_stopping: set[str] = set()
"""Sweeps of which no other batch is to be begun, and one in hand given up soon."""
_in_hand: list[str] = [""]
"""The sweep whose batch is counted now."""
_slots: list[FileLock] = []
"""The lock that this process holds as long as it lives."""


@dataclass(frozen=True)
class Share:
    """A worker's share of its machine."""

    slot: int
    """its number among the workers of the machine, from 0"""
    neighbours: int
    """workers of the scheduler on the machine, itself included"""
    threads: int
    """cores it may use"""


@dataclass
class SweepSetup(WorkerPlugin):
    """The settings that all workers of a sweep need: its `grid`, and options of drift.sweep.

    The options are `on`, `engine`, `devices` and `memory`.

    A worker that is ready offers the resource `name`, which each batch takes one of: so none is
    sent to a worker that can't count it, and no worker counts two at once.
    """

    name: str
    """of the sweep, which no other has; also the topic of what workers say of themselves"""
    programs: dict[str, str]
    """sim.source_digest.programs of the process that writes"""
    grid: "Grid"
    inputs: dict[str, str]
    """what the grid rests on where the sweep was begun: sim.sweeps.plan"""
    on: str
    engine: str
    devices: int
    memory: int | None
    threads: int | None = None
    """cores each worker may use; by default as many as Dask gives it threads"""

    def setup(self, worker: Any) -> None:
        """Begin to make ready; Dask calls this in each worker, also in one that comes late."""
        self._begun = asyncio.create_task(self._set_up(worker))

    def teardown(self, worker: Any) -> None:
        """Forget the sweep."""
        self._begun.cancel()
        _sweeps.pop(self.name, None)
        _stopping.discard(self.name)

    async def _set_up(self, worker: Any) -> None:
        try:
            _check_programs(self.programs)
            hosts = [_host(address) for address in await worker.scheduler.ncores()]
            neighbours = max(1, hosts.count(_host(worker.address)))
            share = Share(_slot(), neighbours, self.threads or worker.state.nthreads)
            made = _thread.submit(set_up, self, share)
            _sweeps[self.name], said = await asyncio.wrap_future(made)
        except Exception as error:
            ours = isinstance(error, BadInput | RuntimeError)  # a line for people
            why = str(error) if ours else f"{type(error).__name__}: {error}"
            said = {"refused": printable(why, _MOST_REASON), "bad": isinstance(error, BadInput)}
        else:
            await worker.set_resources(**{self.name: 1})
            if worker.status == distributed.Status.running:
                # The scheduler looks for what nobody could take when a worker is paused no longer.
                worker.status = distributed.Status.paused
                worker.status = distributed.Status.running
        worker.log_event(self.name, {"worker": worker.address, **said})


def dask_setup(worker: Any) -> None:
    """Leave signals to the sweep, in the workers that it starts; Dask calls this at their start."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def set_up(setup: SweepSetup, share: Share) -> "tuple[LocalExecutor, dict[str, Any]]":
    """Return what counts the sweep in this process, and what the worker says of itself.

    Raises BadInput where the worker can't do what the sweep needs, RuntimeError where its device
    does not round as it must.
    """
    from drift.sim.devices import device, host_memory

    device.take_cores(share.slot, share.threads)
    keep_freed_memory()
    device.configure(setup.on)
    if setup.on != "cpu":
        device.take_accelerators(share.slot, share.neighbours, setup.devices)
    from drift.sim.devices.host import Host
    from drift.sim.runs.prepare import provenance
    from drift.sim.sweeps.local import LocalExecutor
    from drift.sim.sweeps.plan import plan

    allowed = (setup.memory or host_memory.free_memory()) // share.neighbours
    made = plan(setup.grid, setup.on, setup.engine, setup.devices, allowed, share.slot)
    for name, digest in setup.inputs.items():
        if made.inputs[name] != digest:
            raise BadInput(f"its {name} differs from the sweep's")
    threads = device.threads(made.shards)
    executor = LocalExecutor(setup.grid, made.shards, ThreadPoolExecutor(threads), setup.engine)
    if not isinstance(made.shards, Host):
        from drift.sim.device_check import check_quickly

        for point in made.kinds.firsts:
            check_quickly(made.shards, setup.grid.drift(point).arithmetic)
    return executor, {"about": provenance(setup.engine, made.shards), "threads": threads}


def keep_freed_memory() -> None:
    """Let this process keep what it frees for its next arrays.

    Dask has its workers give it back to the system at once (MALLOC_TRIM_THRESHOLD_); to get it
    again for every array that a batch makes takes half as long as counting does.
    """
    with suppress(OSError, AttributeError, TypeError):  # another C library than glibc
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, 2 * _MMAP_BYTES)


def count_batch(sweep: str, points: "np.ndarray") -> "BatchResult | None":
    """Count grid points of a sweep that was set up; None where the sweep is being stopped first.

    Raises RuntimeError, which names this worker, where that fails for all of them.
    """
    try:
        return _thread.submit(_count, sweep, points).result()
    except Exception as error:
        where = distributed.get_worker().address
        raise RuntimeError(f"worker {where}: {printable(str(error), _MOST_REASON)}") from None


def stop(sweep: str, stopping: bool) -> None:
    """Let no other batch of a sweep begin in this process, or let them begin again.

    One in hand that takes longer than a moment is given up.
    """
    (_stopping.add if stopping else _stopping.discard)(sweep)
    if sweep in _in_hand:
        interrupts.ask_to_stop(stopping)


def _count(sweep: str, points: "np.ndarray") -> "BatchResult | None":
    _in_hand[:] = [sweep]
    if sweep in _stopping:
        return None
    interrupts.ask_to_stop(False)  # another sweep may have gone without a word
    try:
        return _sweeps[sweep].count(points)
    except interrupts.GivenUp:
        return None


def _check_programs(wanted: dict[str, str]) -> None:
    """Raise BadInput where another program would count here than where the sweep was begun."""
    here = programs()
    for name, there in wanted.items():
        if here.get(name) != there:
            raise BadInput(f"{name} is {here.get(name)} on the worker, and {there} here")


def _host(address: str) -> str:
    return address.partition("://")[2].rpartition(":")[0]


@functools.cache
def _slot() -> int:
    """The lowest number that no other worker of this user on this machine has.

    Raises BadInput where somebody else made the folder of its locks.
    """
    folder = Path(tempfile.gettempdir()) / f"drift-workers-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise BadInput(f"{folder} belongs to another user; remove it")
    number = 0
    while not _slots:
        lock = FileLock(folder / f"{number}.lock")
        try:
            lock.acquire(blocking=False)
            _slots.append(lock)
        except Timeout:
            number += 1
    return number
