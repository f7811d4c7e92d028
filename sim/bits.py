"""Whole clouds on disk: snapshots, and the checkpoint a run resumes from.

A checkpoint is a group `checkpoint/STEP` inside the store, marked complete after
its bits are written and until they are deleted; the one before it goes only then.
Saving costs time, so it is done once in a while: at most a tenth of the run goes
into it.
"""

import time
from concurrent.futures import Executor

import numpy as np
import zarr

from sim import layout
from sim.codes import Cloud
from sim.engine import Fill
from sim.store import RunStore

_GROUP = "checkpoint"


def write(array: zarr.Array, at: int | None, rows: Cloud, pool: Executor) -> None:
    """Write the codes of a whole cloud to `array`[at], or to `array`; a chunk at a time."""
    tokens, size = array.shape[-2], array.chunks[-2]

    def one(start: int) -> None:
        stop = min(start + size, tokens)
        codes = rows.span(start, stop)
        if at is None:
            array[start:stop] = codes
        else:
            array[at, start:stop] = codes

    list(pool.map(one, range(0, tokens, size)))


def reader(array: zarr.Array) -> Fill:
    """What gives an engine the cloud in `array` (token, dim)."""

    def fill(start: int, stop: int) -> np.ndarray:
        return np.asarray(array[start:stop])

    return fill


class Checkpoints:
    """The checkpoints of one run; `every` is the least time between two, in seconds."""

    def __init__(self, store: RunStore, pool: Executor, every: float = 30.0):
        self._store, self._pool = store, pool
        self._every, self._last = every, time.monotonic()

    def _saved(self) -> dict[int, zarr.Group]:
        if _GROUP not in self._store.group:
            return {}
        group = self._store.group[_GROUP]
        assert isinstance(group, zarr.Group)
        return {int(name): one for name, one in group.groups()}

    def latest(self) -> tuple[int, Fill] | None:
        """The step of the last complete checkpoint, and its cloud."""
        whole = {step: one for step, one in self._saved().items() if one.attrs.get("complete")}
        if not whole:
            return None
        step = max(whole)
        array = whole[step]["bits"]
        assert isinstance(array, zarr.Array)
        return step, reader(array)

    def save_if_due(self, step: int, rows: Cloud) -> None:
        """Keep the cloud held at `step`, if the last one was kept long enough ago."""
        began = time.monotonic()
        if began - self._last < self._every:
            return
        older = self._saved()
        group = self._store.group.create_group(f"{_GROUP}/{step}", overwrite=True)
        chunks = rows.chunks
        array = layout.add_bits(group, {"token": chunks.tokens, "dim": chunks.dims}, rows.format)
        write(array, None, rows, self._pool)
        group.attrs["complete"] = True
        self._delete({name: one for name, one in older.items() if name != step})
        self._last = time.monotonic()
        self._every = max(self._every, 10 * (self._last - began))

    def drop(self) -> None:
        """Remove them all."""
        self._delete(self._saved())
        if _GROUP in self._store.group:
            del self._store.group[_GROUP]

    def _delete(self, saved: dict[int, zarr.Group]) -> None:
        """Delete checkpoints that say first that they are no longer whole."""
        for step, group in saved.items():
            group.attrs["complete"] = False
            del self._store.group[f"{_GROUP}/{step}"]
