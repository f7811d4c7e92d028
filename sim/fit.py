"""Does a run fit? Asked before anything is drawn or written."""

import shutil
from pathlib import Path

from sim.device import free_memory
from sim.errors import BadInput
from sim.spec import Drift

_OVERHEAD = 256 << 20
"""Programs, and the chunks being worked on."""
_PER_TOKEN = 128
"""Fingerprints and what sorting them takes."""


def memory_needed(drift: Drift) -> int:
    """Bytes of memory: the codes, a second copy while they are loaded, the rest."""
    held, seen = drift.motion.held.storage.itemsize, drift.target.storage.itemsize
    return (
        (held + max(held, seen)) * drift.tokens * drift.dims + _PER_TOKEN * drift.tokens + _OVERHEAD
    )


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
