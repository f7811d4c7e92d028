"""Does a run fit? Asked before anything is drawn or written.

The cloud is in the memory of its devices: a CPU's is the host's, an accelerator
has its own. Several processes, and several devices, each hold their share.
"""

from sim import hosts
from sim.device import free_memory
from sim.engines import Engine
from sim.errors import BadInput
from sim.places import Address
from sim.shards import Shards
from sim.spec import Drift

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
    """Bytes of this process's tokens: the codes that are held, and, if other ones, those seen."""
    first, stop = hosts.share(drift.tokens)
    kept = {each: each.storage.itemsize for each in (drift.motion.held, drift.motion.seen)}
    return sum(kept.values()) * (stop - first) * drift.dims


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
    if out is None or not hosts.is_first():
        return
    needed, free = disk_needed(drift), out.free_bytes()
    if free is not None and needed > free:
        raise BadInput(f"{_shape(drift)} need up to {_gib(needed)} of disk; {_gib(free)} are free")


def check_memory(
    drift: Drift, shards: Shards, memory: int | None, engine: Engine, beside: int = 0
) -> None:
    """Raise BadInput where the memory of the host, or of a device, is too small.

    `beside` are bytes of the host's that are taken for other things.
    """
    shape, needed = _shape(drift), memory_needed(drift, shards, engine) + beside
    if memory is not None and needed > memory:
        raise BadInput(f"{shape} need {_gib(needed)} of memory; {_gib(memory)} are allowed")
    if memory is None and needed > (free := free_memory()):
        raise BadInput(f"{shape} need {_gib(needed)} of memory; {_gib(free)} are free")
    if engine == "step":
        _check_devices(drift, shards)


def _shape(drift: Drift) -> str:
    return f"{drift.tokens} tokens of {drift.dims} dims"


def _check_devices(drift: Drift, shards: Shards) -> None:
    """Raise BadInput where a device that tells its memory has too little for its share."""
    needed = cloud(drift) // len(shards) + _WORKING
    for device in shards.devices:
        told = None if shards.on_host else device.memory_stats()
        if not told or "bytes_limit" not in told:
            continue
        free = told["bytes_limit"] - told.get("bytes_in_use", 0)
        if needed > free:
            raise BadInput(
                f"{_shape(drift)} need {_gib(needed)} on each of {len(shards)} devices;"
                f" {_gib(free)} are free on {device}; more --devices share them"
            )


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"
