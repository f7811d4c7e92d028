"""Does a run fit? Asked before anything is drawn or written.

The cloud is in the memory of its devices: a CPU's is the host's, an accelerator
has its own. Several devices each hold their share.
"""

from collections.abc import Iterator
from typing import NamedTuple

from drift.sim.device import free_memory
from drift.sim.engines import Engine
from drift.sim.errors import BadInput
from drift.sim.places import Address
from drift.sim.shards import Shards
from drift.sim.spec import Drift

_OVERHEAD = 384 << 20
"""Libraries and programs."""
_PER_TOKEN = 128
"""Fingerprints and what sorting them takes."""
_COPIES = 2.5
"""Of what is kept: a run of 151,936 x 2,560 takes that much, since the allocator
holds on to the chunks that were freed."""
_WORKING = 256 << 20
"""What a device needs beside its share of the cloud, to work on a chunk."""


def cloud(drift: Drift) -> int:
    """Bytes of the cloud: the codes that are held, and, if other ones, those seen."""
    kept = {each: each.storage.itemsize for each in (drift.motion.held, drift.motion.seen)}
    return sum(kept.values()) * drift.tokens * drift.dims


def memory_needed(drift: Drift, shards: Shards, engine: Engine = "step") -> int:
    """Bytes of the host's memory, which is where the leap engine has its cloud."""
    clouds = _COPIES * cloud(drift) if shards.on_host or engine == "leap" else 0
    return int(clouds) + _PER_TOKEN * drift.tokens + _OVERHEAD


def kept(drift: Drift) -> int:
    """Bytes of the clouds that stay in memory where a drift has no store: its snapshots,
    and the last one."""
    steps = {*drift.snapshot_steps, drift.steps}
    return len(steps) * drift.target.storage.itemsize * drift.tokens * drift.dims


def disk_needed(drift: Drift) -> int:
    """Bytes on disk at most: the snapshots uncompressed, and two checkpoints."""
    clouds = len(drift.snapshot_steps) * drift.target.storage.itemsize
    clouds += 2 * drift.motion.held.storage.itemsize
    return clouds * drift.tokens * drift.dims + 80 * len(drift.record_steps)


def check(
    drift: Drift,
    out: Address | None,
    shards: Shards,
    memory: int | None = None,
    engine: Engine = "step",
) -> None:
    """Raise BadInput, saying how much is needed, where the run can't fit.

    `memory` is the host memory it may use, in bytes; what is free where None. `out` is
    None for one that has no store, and whose clouds stay in memory.
    """
    check_memory(drift, shards, memory, engine, kept(drift) if out is None else 0)
    if out is None:
        return
    needed, free = disk_needed(drift), out.free_bytes()
    if free is not None and needed > free:
        raise BadInput(f"{shape(drift)} need up to {_gib(needed)} of disk; {_gib(free)} are free")


class Room(NamedTuple):
    """Where a cloud is to be, in bytes."""

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
        """What is needed, and what there is."""
        return f"need {_gib(self.needed)} {self.where}; {_gib(self.free)} {self.known}"

    def most(self, tokens: int) -> int:
        """How many tokens fit, where so many were meant."""
        return max(0, (self.free - self.fixed) * tokens // max(1, self.needed - self.fixed))

    def fits(self, most: int) -> str:
        """What would fit."""
        return f"about {most:,} tokens fit{self.more}" if most else f"no token fits{self.more}"


def check_memory(
    drift: Drift, shards: Shards, memory: int | None, engine: Engine, beside: int = 0
) -> None:
    """Raise BadInput where the memory of the host, or of a device, is too small.

    `beside` are bytes of the host's that are taken for other things.
    """
    for room in rooms(drift, shards, memory, engine, beside):
        if room.needed > room.free:
            fits = room.fits(room.most(drift.tokens))
            raise BadInput(f"{shape(drift)} {room.said()}; {fits}")


def rooms(
    drift: Drift, shards: Shards, memory: int | None, engine: Engine, beside: int = 0
) -> Iterator[Room]:
    """The host's, and those of devices that tell their memory."""
    needed = memory_needed(drift, shards, engine) + beside
    if memory is None:
        yield Room(needed, _OVERHEAD, free_memory(), "of memory", "are free")
    else:
        yield Room(needed, _OVERHEAD, memory, "of memory", "are allowed")
    if engine != "step" or shards.on_host:
        return
    needed = cloud(drift) // len(shards) + _WORKING
    where = f"on each of {len(shards)} devices"
    for device in shards.devices:
        told = device.memory_stats()
        if told and "bytes_limit" in told:
            free = told["bytes_limit"] - told.get("bytes_in_use", 0)
            known = f"are free on {device}"
            yield Room(needed, _WORKING, free, where, known, "; more --devices share them")


def shape(drift: Drift) -> str:
    """What a message calls a cloud."""
    return f"{drift.tokens} tokens of {drift.dims} dims"


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"
