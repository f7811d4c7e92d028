"""Memory and disk that a run needs, checked before anything is drawn or written.

The cloud is in the memory of its devices: a CPU's is the host's, an accelerator
has its own. Several devices each hold their share.

Memory may run out in the middle of the work though it was reckoned to suffice. Devices
say so in an error of JAX's own, RESOURCE_EXHAUSTED; the host in a MemoryError.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from drift.sim.devices.host_memory import free_memory, gib
from drift.sim.engines.choose import Engine
from drift.sim.errors import BadInput, Unfinished, ran_out
from drift.sim.spec.drift import Drift
from drift.sim.stores.location import StoreLocation

if TYPE_CHECKING:
    from drift.sim.devices.host import Host
    from drift.sim.devices.shards import Shards

_OVERHEAD = 384 << 20
"""Libraries and programs."""
_PER_TOKEN = 128
"""Fingerprints and what sorting them takes."""
_PER_ROW = 96
"""Bytes of a row beside codes, on every device: numbers, counts, fingerprints and their sort."""
_COPIES = 2.5
"""Copies of what is kept: a run of 151,936 x 2,560 takes that much, since the allocator
holds on to the chunks that were freed."""
_WORKING = 256 << 20
"""Bytes that a device needs beside its share of the cloud, to work on a chunk."""


def cloud_bytes(drift: Drift) -> int:
    """Bytes of the cloud: what is held between steps and, if it is another, the view format."""
    kept_bytes = {
        each: each.storage.itemsize for each in (drift.arithmetic.held, drift.arithmetic.view)
    }
    return sum(kept_bytes.values()) * drift.tokens * drift.dims


def memory_needed(drift: Drift, shards: "Shards | Host", engine: Engine = "step") -> int:
    """Bytes of the host's memory, which is where the leap engine has its cloud."""
    clouds = _COPIES * cloud_bytes(drift) if shards.on_host or engine == "leap" else 0
    return int(clouds) + _PER_TOKEN * drift.tokens + _OVERHEAD


def kept_bytes(drift: Drift) -> int:
    """Bytes of the clouds that stay in memory where a drift has no store: its snapshots,
    and the last one."""
    steps = {*drift.snapshot_steps, drift.steps}
    return len(steps) * drift.target.storage.itemsize * drift.tokens * drift.dims


def disk_needed(drift: Drift) -> int:
    """Bytes on disk at most: the snapshots uncompressed, and two checkpoints."""
    clouds = len(drift.snapshot_steps) * drift.target.storage.itemsize
    clouds += 2 * drift.arithmetic.held.storage.itemsize
    return clouds * drift.tokens * drift.dims + 80 * len(drift.record_steps)


def check_fits(
    drift: Drift,
    out: StoreLocation | None,
    shards: "Shards | Host",
    memory: int | None = None,
    engine: Engine = "step",
) -> None:
    """Raise BadInput, saying how much is needed, where the run can't fit.

    `memory` is the host memory it may use, in bytes; what is free where None. `out` is
    None for one that has no store, and whose clouds stay in memory.
    """
    check_memory(drift, shards, memory, engine, kept_bytes(drift) if out is None else 0)
    if out is None:
        return
    needed, free = disk_needed(drift), out.free_bytes()
    if free is not None and needed > free:
        raise BadInput(f"{size_text(drift)} need up to {gib(needed)} of disk; {gib(free)} are free")


class Budget(NamedTuple):
    """Memory for a cloud, in bytes: `needed`, and `free` in the place that `where` names."""

    needed: int
    fixed: int
    """of them, however few the tokens"""
    free: int
    where: str
    known: str
    """of what is free"""
    more: str = ""
    """who gives more room"""

    def said(self) -> str:
        """Return what is needed, and what is free, as text."""
        return f"need {gib(self.needed)} {self.where}; {gib(self.free)} {self.known}"

    def most(self, tokens: int) -> int:
        """Return how many tokens fit, where so many were meant."""
        return max(0, (self.free - self.fixed) * tokens // max(1, self.needed - self.fixed))

    def fits(self, most: int) -> str:
        """Return what would fit, as text."""
        return f"about {most:,} tokens fit{self.more}" if most else f"no token fits{self.more}"


def check_memory(
    drift: Drift, shards: "Shards | Host", memory: int | None, engine: Engine, beside: int = 0
) -> None:
    """Raise BadInput where the memory of the host, or of a device, is too small.

    `beside` are bytes of the host's that are taken for other things.
    """
    for room in budgets(drift, shards, memory, engine, beside):
        if room.needed > room.free:
            fits = room.fits(room.most(drift.tokens))
            raise BadInput(f"{size_text(drift)} {room.said()}; {fits}")


def budgets(
    drift: Drift, shards: "Shards | Host", memory: int | None, engine: Engine, beside: int = 0
) -> Iterator[Budget]:
    """The host's, and those of devices that tell their memory."""
    needed = memory_needed(drift, shards, engine) + beside
    if memory is None:
        yield Budget(needed, _OVERHEAD, free_memory(), "of memory", "are free")
    else:
        yield Budget(needed, _OVERHEAD, memory, "of memory", "are allowed")
    if engine != "step" or shards.on_host:
        return
    needed = cloud_bytes(drift) // len(shards) + _PER_ROW * drift.tokens + _WORKING
    where = f"on each of {len(shards)} devices"
    for device in shards.devices:
        told = device.memory_stats()
        if told and "bytes_limit" in told:
            free = told["bytes_limit"] - told.get("bytes_in_use", 0)
            known = f"are free on {device}"
            yield Budget(needed, _WORKING, free, where, known, "; more --devices share them")


def size_text(drift: Drift) -> str:
    """Return what a message calls a cloud."""
    return f"{drift.tokens} tokens of {drift.dims} dims"


@contextmanager
def as_out_of_memory(
    drift: Drift, shards: "Shards | Host", memory: int | None, engine: Engine, then: str = ""
) -> Iterator[None]:
    """Turn it into Unfinished, which says how many tokens fit, and `then` how to go on."""
    rooms = list(budgets(drift, shards, memory, engine))
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        raise Unfinished(_line(drift, rooms) + then) from error


def _line(drift: Drift, rooms: list[Budget]) -> str:
    """Return the estimate that came closest, and what fits at most, which is too little."""
    room = max(rooms, key=lambda each: each.needed / max(1, each.free))
    fits = min(room.most(drift.tokens), drift.tokens // 2)
    return f"out of memory: {size_text(drift)} were reckoned to {room.said()}; {room.fits(fits)}"
