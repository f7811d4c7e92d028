"""Writing the store of a sweep: results wait in memory until they are flushed.

Chunks are written whole, the counts before `done`, so that a point is done only if
its data are there; whoever is killed in between loses what was not flushed, and the
points of it are counted again. Points that are not done hold fill values. A chunk that is
written again is first taken from those that are bound to their places (sim.stores.digests),
since whoever is killed then leaves another one there.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from drift.sim.counting.cells import Counts
from drift.sim.counting.contradiction import contradiction
from drift.sim.errors import Damaged, unwritten
from drift.sim.sweeps.store import SweepStore, points_per_chunk

_KEPT = 4
"""Chunks that stay in memory after they were written."""


class Block(NamedTuple):
    """The points of one chunk, at `region` of the arrays."""

    region: tuple[slice, ...]
    counts: dict[str, np.ndarray]
    """(points along each axis …, progress)"""
    done: np.ndarray
    """bool (points along each axis …)"""


class GridWriter:
    """The one writer of a store, as long as `still` raises no error."""

    def __init__(self, store: SweepStore, still: Callable[[], None] = lambda: None):
        self.store, self._still, self._shape = store, still, store.grid.shape
        self.done = store.done
        """bool (grid.shape), with those that are still to be flushed"""
        self.failed = store.failed
        """why, for each point"""
        self._sizes = points_per_chunk(store.grid)
        self._blocks: dict[tuple[int, ...], Block] = {}
        self._changed: set[tuple[int, ...]] = set()
        self._waiting = 0

    def put(self, point: int, records: list[Counts]) -> None:
        """Take the records of a point."""
        index = self._index(point)
        chunk = tuple(i // size for i, size in zip(index, self._sizes, strict=True))
        within = tuple(i % size for i, size in zip(index, self._sizes, strict=True))
        block = self._block(chunk)
        for name in self.store.names:
            block.counts[name][within] = [getattr(record, name) for record in records]
        block.done[within] = self.done[index] = True
        self._waiting += 1
        self._changed.add(chunk)
        self.failed.pop(point, None)

    def fail(self, point: int, reason: str) -> None:
        """Note why a point failed."""
        self.failed[point] = reason

    def flush(self, **attributes: Any) -> None:
        """Write all that was taken, then `attributes`. Unfinished where the disk is full."""
        try:
            self._still()
            self.store.release(
                *(key for chunk in self._changed for key in _keys(self.store, chunk))
            )
            for chunk in sorted(self._changed):
                self._still()
                self._write(self._blocks[chunk])
                self._changed.discard(chunk)
            self._still()
            self.store.update(failed=_by_reason(self.failed), **attributes)
        except OSError as error:
            left = self.done.size - np.count_nonzero(self.done) + self._waiting
            then = f"; {left:,} grid points are left, and the same command goes on with them"
            raise unwritten(self.store.address, error, then) from error
        self._waiting = 0
        if len(self._blocks) > _KEPT:
            self._blocks.clear()

    def finish(self) -> None:
        """Say that all is there, once what other processes wrote is read.

        Raises Damaged where some of it is damaged, or contradicts itself.
        """
        for chunk in np.ndindex(*map(_parts, self._shape, self._sizes)):
            if not self.store.wrote(*_keys(self.store, chunk)):
                self._block(chunk)
                self._blocks.pop(chunk)
        self.store.verify()
        self.flush(complete=True)

    def _write(self, block: Block) -> None:
        names = self.store.names
        counts = {names[name]: values for name, values in block.counts.items()}
        self.store.write((*block.region, slice(None)), counts)
        self.store.array("done")[block.region] = block.done

    def _index(self, point: int) -> tuple[int, ...]:
        index = []
        for length in reversed(self._shape):
            point, i = divmod(point, length)
            index.append(i)
        return tuple(reversed(index))

    def _block(self, chunk: tuple[int, ...]) -> Block:
        if chunk not in self._blocks:
            starts = [k * size for k, size in zip(chunk, self._sizes, strict=True)]
            region = tuple(
                slice(start, min(start + size, length))
                for start, size, length in zip(starts, self._sizes, self._shape, strict=True)
            )
            try:
                self._blocks[chunk] = self._read(region)
            except Damaged as error:
                done = _keys(self.store, chunk)[-1]
                said = f"{error}; without {done} the same command counts its grid points again"
                raise Damaged(said) from error
        return self._blocks[chunk]

    def _read(self, region: tuple[slice, ...]) -> Block:
        done = np.array(self.done[region])
        counts = {}
        for name in self.store.names:
            array = self.store.array(self.store.names[name])
            shape = (*done.shape, array.shape[-1])
            values = np.full(shape, array.fill_value, array.dtype)
            if done.any():
                there = self.store.values(
                    self.store.names[name], (*region, slice(None)), done[..., None]
                )
                values[done] = there[done]
            counts[name] = values
        if wrong := contradiction({name: counts[name][done] for name in counts}):
            where = ", ".join(f"{each.start}:{each.stop}" for each in region)
            raise Damaged(f"{self.store.address} is damaged: its counts at [{where}]: {wrong}")
        return Block(region, counts, done)


def _keys(store: SweepStore, chunk: tuple[int, ...]) -> list[str]:
    """The keys of a chunk of each array; that of `done`, which has no records, comes last."""
    at = "/".join(("c", *map(str, chunk)))
    return [*(f"{name}/{at}/0" for name in store.names.values()), f"done/{at}"]


def _parts(length: int, size: int) -> int:
    return -(-length // size)


def _by_reason(failed: dict[int, str]) -> list[dict[str, Any]]:
    """JSON of the points that failed, each reason once."""
    points = defaultdict(list)
    for point, reason in sorted(failed.items()):
        points[reason].append(point)
    return [{"reason": reason, "cells": found} for reason, found in points.items()]
