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

from drift.sim import interrupts
from drift.sim.engines.chunks import Fill
from drift.sim.engines.rows import CloudRows
from drift.sim.engines.simulation import Pause, State
from drift.sim.errors import Damaged
from drift.sim.stores import integrity, run_store
from drift.sim.stores.run_store import RunStore

_GROUP = "checkpoint"
_MADE = "made"
"""The attribute of a checkpoint that says how its bits were made: sim.stores.integrity."""
_SHARE = 10.0
"""Keeping checkpoints takes no more than one part in so many of the time."""


def write_codes(
    array: zarr.Array | np.ndarray, at: int | None, rows: CloudRows, pool: Executor
) -> None:
    """Write the codes of a whole cloud to `array`[at], or to `array`; a chunk at a time."""
    tokens, size = rows.shape[0], run_store.rows_together(rows.shape, rows.format)

    def one(start: int) -> None:
        stop = min(start + size, tokens)
        codes = rows.span(start, stop)
        if at is None:
            array[start:stop] = codes
        else:
            array[at, start:stop] = codes

    list(pool.map(one, range(0, tokens, size)))


def reader(array: zarr.Array, store: object) -> Fill:
    """Return the function that gives an engine the cloud in `array` (token, dim) of `store`.

    It raises Damaged, which says how to do without, where a chunk is damaged or missing.
    """

    def fill(start: int, stop: int) -> np.ndarray:
        at = slice(start, stop)
        try:
            codes = integrity.read(array, store, at)
            integrity.check(codes[:, :1], array, store, at)
        except Damaged as error:
            here = array.path.rpartition("/")[0]
            raise Damaged(f"{error}; {_without(here)}") from error
        return codes

    return fill


def _without(checkpoint: str) -> str:
    return f"without {checkpoint} the same command goes on from before it"


class ResumePoints:
    """The checkpoints of one run; `every` is the least time between two, in seconds.

    More passes where keeping them takes long; where it is 0, each record has one.
    """

    def __init__(self, store: RunStore, pool: Executor, every: float = 30.0):
        self._store, self._pool = store, pool
        self._every, self._last = every, time.monotonic()

    def _saved(self) -> dict[int, zarr.Group]:
        if _GROUP not in self._store.group:
            return {}
        with integrity.as_damaged(f"{self._store.address}: {_GROUP}"):
            group = self._store.group[_GROUP]
            assert isinstance(group, zarr.Group)
            return {int(name): one for name, one in group.groups()}

    def latest(self) -> tuple[int, Fill] | None:
        """The step of the last complete checkpoint, and its cloud; None where there is none.

        Raises Damaged for a damaged one.
        """
        whole = {step: one for step, one in self._saved().items() if one.attrs.get("complete")}
        if not whole:
            return None
        step, place = max(whole), self._store.address
        here = f"{_GROUP}/{step}"
        try:
            with integrity.as_damaged(f"{place}: {here}"):
                array = whole[step]["bits"]
                assert isinstance(array, zarr.Array)
                known = whole[step].attrs.get(_MADE)
            if known not in (None, integrity.described(array)):
                raise Damaged(f"{place}: {here} is damaged: it is not as drift made it")
        except Damaged as error:
            raise Damaged(f"{error}; {_without(here)}") from error
        return step, reader(array, place)

    def save_if_due(self, step: int, state: State | Pause) -> None:
        """Keep the cloud of `state`, at `step`, if the last one was kept long enough ago.

        So it is where a signal waits, after which no other may be kept.
        """
        began = time.monotonic()
        if began - self._last < self._every and not interrupts.pending():
            return
        rows, older = state.state_rows, self._saved()
        group = self._store.group.create_group(f"{_GROUP}/{step}", overwrite=True)
        tokens, dims = rows.shape
        array = run_store.add_bits(group, {"token": tokens, "dim": dims}, rows.format)
        write_codes(array, None, rows, self._pool)
        group.update_attributes({"complete": True, _MADE: integrity.described(array)})
        self._delete({name: one for name, one in older.items() if name != step})
        self._last = time.monotonic()
        self._every = self._every and max(self._every, _SHARE * (self._last - began))

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
