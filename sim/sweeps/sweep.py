"""A sweep: the points of a grid counted and written, begun, resumed, finished.

Results are on disk soon after they are there; whoever is killed goes on with the
points that are not done, and ends with the arrays that an undisturbed sweep writes.
A point that fails is noted, with its reason, and the others go on.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from drift.sim import interrupts
from drift.sim.stores import lock
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation
from drift.sim.sweeps import resume
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.local import BatchResult, OpenExecutor, local_executor
from drift.sim.sweeps.point_order import PointGroups, batches, to_count
from drift.sim.sweeps.progress import SweepProgress
from drift.sim.sweeps.store import SweepStore, coordinates
from drift.sim.sweeps.writer import GridWriter

Progress = Callable[[SweepProgress], None]
"""Told how far the sweep is, after each batch."""

_FLUSH_SHARE = 20.0
"""Writing takes no more than one part in so many of the time."""


def sweep(
    grid: Grid,
    out: AnyLocation,
    *,
    on: str = "auto",
    engine: str = "auto",
    devices: int = 1,
    memory: int | None = None,
    overwrite: bool = False,
    retry_failed: bool = False,
    progress: Progress = lambda session: None,
    flush_seconds: float = 1.0,
    by: OpenExecutor = local_executor,
) -> dict[str, Any]:
    """Sweep `grid` into the store `out` and return what `drift sweep --json` prints.

    The options are those of drift.run; the points are counted `by` this process, or by workers
    (sim.sweeps.dask), for each of which they hold (`memory` for all on a machine). Points
    that failed before are tried again where `retry_failed`. Results are written every
    `flush_seconds`, seldomer where that takes long, or, where it is 0, after each batch. Raises
    BadInput, with nothing written, for a grid of which a point makes no sense or does not fit,
    and for an `out` that is complete (unless `overwrite`), belongs to another grid, or is
    written by another process; Unfinished where the store can't be written to any more, or
    nobody is left to count.

        >>> import drift
        >>> cloud = {"tokens": (100,), "dims": (32,), "records": (1,)}
        >>> grid = drift.Grid.given({"sigma": (1e-7, 1e-6), "seed": range(3), **cloud})
        >>> result = drift.sweep(grid, "grid.zarr")
        >>> result["cells"], result["done"], result["failed"]
        (6, 6, 0)
    """
    started, out = time.monotonic(), locate(out)
    with by(grid, on, engine, devices, memory) as counters, lock.held(out) as still:
        kinds, about = counters.kinds, counters.about
        if not resume.resumable(grid, counters.inputs, out, overwrite):
            with interrupts.delay_signals():
                resume.create(out, grid, {**about, "inputs": counters.inputs})
        out.clean()
        store = SweepStore(out, writing=True)
        for coordinate in coordinates(grid):
            store.mend(coordinate.name, partial(coordinate.add, store.group, overwrite=True))
        if store.complete:  # but points of it are missing: they are counted again
            store.update(complete=False)
        writer = GridWriter(store, still)
        points = to_count(writer.done, list(writer.failed), retry_failed)
        session = SweepProgress(
            points=len(grid),
            done=int(np.count_nonzero(writer.done)),
            failed=len(writer.failed),
            left=kinds.cost(points),
            before=writer.store.attrs,
            about={name: about[name] for name in ("engine", "device", "devices")},
            workers=counters.workers,
            started=started,
        )
        counted = counters.counted(batches(grid, kinds, points, counters.together))
        write(counted, writer, session, kinds, progress, flush_seconds)
        return summary(SweepStore(out), session)


def write(
    counted: Iterator[BatchResult],
    writer: GridWriter,
    session: SweepProgress,
    kinds: PointGroups,
    progress: Progress,
    flush_seconds: float,
) -> None:
    """Write what is `counted`, as it comes; a first signal waits for the batch in hand, briefly."""
    flushed, pause = time.monotonic(), flush_seconds
    try:
        while True:
            with interrupts.delay_signals():
                found = next(counted, None)
                if found is None:
                    break
                _take(found, writer)
                session.add(found, kinds.cost(found.points))
                session.done = int(np.count_nonzero(writer.done))
                session.failed = len(writer.failed)
                if time.monotonic() - flushed >= pause:
                    began = time.monotonic()
                    writer.flush(**session.attributes())
                    flushed = time.monotonic()
                    pause = flush_seconds and max(flush_seconds, _FLUSH_SHARE * (flushed - began))
            progress(session)
    finally:
        with interrupts.delay_signals():
            writer.flush(**session.attributes())
            if writer.done.all():
                writer.finish()


def _take(found: BatchResult, writer: GridWriter) -> None:
    for point, outcome in zip(found.points.tolist(), found.outcomes, strict=True):
        if isinstance(outcome, str):
            writer.fail(point, outcome)
        else:
            writer.put(point, outcome)


def summary(store: SweepStore, session: SweepProgress) -> dict[str, Any]:
    """Return what `drift sweep --json` prints."""
    return {
        "store": str(store.address),
        "cells": len(store.grid),
        "done": int(np.count_nonzero(store.done)),
        "failed": len(store.failed),
        "seconds": session.seconds,
    }
