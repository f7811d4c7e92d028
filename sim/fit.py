"""Does a run fit? Asked before anything is drawn or written."""

import shutil
from pathlib import Path

from sim.device import free_memory
from sim.errors import BadInput
from sim.spec import Drift

_OVERHEAD = 384 << 20
"""Libraries and programs."""
_PER_TOKEN = 128
"""Fingerprints and what sorting them takes."""
_COPIES = 2.5
"""Of what is kept: a run of 151,936 x 2,560 takes that much, since the allocator
holds on to the chunks that were freed."""


def memory_needed(drift: Drift) -> int:
    """Bytes of memory: the codes that are held, and, if other ones, those that are seen."""
    motion = drift.motion
    kept = {each: each.storage.itemsize for each in (motion.held, motion.seen)}
    clouds = _COPIES * sum(kept.values()) * drift.tokens * drift.dims
    return int(clouds) + _PER_TOKEN * drift.tokens + _OVERHEAD


def disk_needed(drift: Drift) -> int:
    """Bytes on disk at most: the snapshots uncompressed, and two checkpoints."""
    clouds = len(drift.snapshot_steps) * drift.target.storage.itemsize
    clouds += 2 * drift.motion.held.storage.itemsize
    return clouds * drift.tokens * drift.dims + 80 * len(drift.record_steps)


def check(drift: Drift, out: Path) -> None:
    """Raise BadInput, saying how much is needed, where the run can't fit."""
    shape = f"{drift.tokens} tokens of {drift.dims} dims"
    needed, free = memory_needed(drift), free_memory()
    if needed > free:
        raise BadInput(f"{shape} need {_gib(needed)} of memory; {_gib(free)} are free")
    place = next(p for p in (out, *out.absolute().parents) if p.exists())
    needed, free = disk_needed(drift), shutil.disk_usage(place).free
    if needed > free:
        raise BadInput(f"{shape} need up to {_gib(needed)} of disk; {_gib(free)} are free")


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"
