"""Whole clouds on disk: snapshots, and the checkpoint a run resumes from.

A checkpoint is a group `checkpoint/STEP` inside the store, marked complete after its bits
are written. It is used while the attributes of the store bind it to its place there
(sim.stores.digests): from then on, and until any of it is deleted. The one before it goes
only then. Saving costs time, so it is done once in a while: at most a tenth of the run goes
into it.
"""

import time
from concurrent.futures import Executor
from typing import Any

import numpy as np
import zarr

from drift.sim import interrupts
from drift.sim.engines.chunks import Fill
from drift.sim.engines.rows import CloudRows
from drift.sim.engines.simulation import Pause, State
from drift.sim.errors import Damaged
from drift.sim.motions.since import RecordSums
from drift.sim.stores import arrays_at_once, integrity, run_layout
from drift.sim.stores.digests import DIGESTS
from drift.sim.stores.run_store import RunStore

_GROUP = "checkpoint"
_WHOLE = "complete"
"""The attribute of a checkpoint that is set once its bits are written."""
_MADE = "made"
"""The attribute that says how its bits were made, in stores of older versions."""
_SINCE = "since"
"""The attribute that holds the sums at the last record: sim.motions.since."""
_SHARE = 10.0
"""Keeping checkpoints takes no more than one part in so many of the time."""


def write_codes(
    array: zarr.Array | np.ndarray, at: int | None, rows: CloudRows, pool: Executor
) -> None:
    """Write the codes of a whole cloud to `array`[at], or to `array`; a chunk at a time."""
    tokens, size = rows.shape[0], run_layout.rows_together(rows.shape, rows.format)
    if isinstance(array, zarr.Array):  # no chunk of codes is empty: the library need not look
        size = array.chunks[-2]
        unlooked: Any = {"write_empty_chunks": True}
        array = zarr.Array(zarr.AsyncArray(array.metadata, array.store_path, unlooked))

    def one(start: int) -> None:
        stop = min(start + size, tokens)
        codes = rows.span(start, stop)
        if at is None:
            array[start:stop] = codes
        else:  # of the shape of a chunk, which the library copies otherwise
            array[at : at + 1, start:stop] = codes[None]

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


def _sums(told: Any) -> RecordSums:
    limbs = np.array(told["limbs"], np.int64)
    assert limbs.ndim == 2, "limbs by dims"
    return RecordSums(int(told["step"]), int(told["alive"]), limbs)


class ResumePoints:
    """The checkpoints of one run; `every` is the least time between two, in seconds.

    More passes where keeping them takes long; where it is 0, each record has one.
    """

    def __init__(self, store: RunStore, pool: Executor, every: float = 30.0):
        self._store, self._pool = store, pool
        self._every, self._last = every, time.monotonic()

    def _saved(self) -> list[int]:
        """The steps of those that may be whole, rising."""
        if self._store.bound:
            keys = [key.split("/") for key in self._store.attrs[DIGESTS]]
            return sorted({int(key[1]) for key in keys if key[0] == _GROUP and len(key) > 2})
        if _GROUP not in self._store.group:
            return []
        group = self._store.group[_GROUP]
        assert isinstance(group, zarr.Group), "drift made it"
        return sorted(int(name) for name in group.group_keys())

    def latest(self) -> tuple[int, Fill, RecordSums] | None:
        """The step of the last one, its cloud, and the sums at the record before it.

        None where there is none, or it was removed.

        Raises Damaged for a damaged one.
        """
        with integrity.as_damaged(f"{self._store.address}: {_GROUP}"):
            saved = self._saved()
        for step in reversed(saved):
            here = f"{_GROUP}/{step}"
            try:
                with integrity.as_damaged(f"{self._store.address}: {here}"):
                    group, array = (self._store.group.get(each) for each in (here, f"{here}/bits"))
                    if group is None and array is None:
                        continue
                    if group is not None and not group.attrs.get(_WHOLE):
                        continue
                    assert isinstance(group, zarr.Group), "it has attributes"
                    assert isinstance(array, zarr.Array), "it has bits"
                    assert group.attrs.get(_MADE) in (None, integrity.described(array)), "as made"
                    since = group.attrs.get(_SINCE)
                    if since is None:
                        continue  # of a version that did not need it
                    sums = _sums(since)
            except Damaged as error:
                raise Damaged(f"{error}; {_without(here)}") from error
            return step, reader(array, self._store.address), sums
        return None

    def save_if_due(self, step: int, state: State | Pause, since: RecordSums | None) -> None:
        """Keep the cloud of `state`, at `step`, if the last one was kept long enough ago.

        With it are kept the sums `since` the last record.

        So it is where a signal waits, after which no other may be kept.
        """
        began = time.monotonic()
        if began - self._last < self._every and not interrupts.pending():
            return
        self._store.flush()  # from here on the run goes on, and counts no record before it
        rows, older = state.state_rows, [each for each in self._saved() if each != step]
        self._store.release(f"{_GROUP}/{step}/")
        group = self._store.group.create_group(f"{_GROUP}/{step}", overwrite=True)
        tokens, dims = rows.shape
        made = {"bits": run_layout.bits({"token": tokens, "dim": dims}, rows.format)}
        array = arrays_at_once.create(group, made)["bits"]
        write_codes(array, None, rows, self._pool)
        if since is not None:
            group.attrs[_SINCE] = {
                "step": since.step,
                "alive": int(since.alive),
                "limbs": since.limbs.tolist(),
            }
        group.attrs[_WHOLE] = True
        self._store.remove(*(f"{_GROUP}/{each}" for each in older))
        self._last = time.monotonic()
        self._every = self._every and max(self._every, _SHARE * (self._last - began))

    def drop(self) -> None:
        """Remove them all, and what is left of others."""
        if self._saved():
            self._store.remove(_GROUP)
        elif _GROUP in self._store.group:
            del self._store.group[_GROUP]
