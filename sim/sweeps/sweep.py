"""A sweep: the points of a grid counted and written, begun, resumed, finished.

Results are on disk soon after they are there; whoever is killed goes on with the
points that are not done, and ends with the arrays that an undisturbed sweep writes.
A point that fails is noted, with its reason, and the others go on.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from drift.sim import interrupts
from drift.sim.errors import BadInput
from drift.sim.results.notebook import NotebookBar
from drift.sim.stores import lock
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation
from drift.sim.sweeps import resume
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.kept.coordinates import add, coordinates
from drift.sim.sweeps.kept.swept import Swept
from drift.sim.sweeps.local import BatchResult, OpenExecutor, local_executor
from drift.sim.sweeps.plan import check_grid
from drift.sim.sweeps.point_order import PointGroups, batches, to_count
from drift.sim.sweeps.progress import SweepProgress
from drift.sim.sweeps.store import SweepStore
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
    progress: Progress | None = None,
    flush_seconds: float = 1.0,
    workers: int | None = None,
    scheduler: str | None = None,
    by: OpenExecutor | None = None,
) -> Swept:
    """Sweep `grid` into the store `out` and return the result, which has it as `store`.

    The options are those of drift.run; the points are counted by this process, by so many local
    `workers`, by those of a Dask `scheduler` at an address, or `by` others, for each of which the
    options hold (`memory` for all on a machine). Points that failed before are tried again where
    `retry_failed`. Results are written every `flush_seconds`, seldomer where that takes long, or,
    where it is 0, after each batch. Without `progress` a bar is shown in notebooks. An `out` that
    is complete, of the same grid, is returned as it is, and one that is not goes on. Raises
    BadInput, with nothing written, for a grid of which a point makes no sense or does not fit,
    and for an `out` that belongs to another grid (unless `overwrite`), or is written by another
    process; Unfinished where the store can't be written to any more, or nobody is left to count.

        >>> import drift
        >>> grid = drift.Grid(sigma=[1e-7, 1e-6], seeds=3, tokens=100, dims=32, records=1)
        >>> swept = drift.sweep(grid, "grid.zarr")
        >>> swept.cells, swept.done, len(swept.failed), swept.read("distinct")[:, 0, -1].tolist()
        (6, 6, 0, [4, 27])
    """
    started, out = time.monotonic(), locate(out)
    if (done := resume.finished(grid, partial(check_grid, grid), out, overwrite)) is not None:
        return Swept(done, seconds_of(done), was_complete=True)
    open_counters = by or executor(workers, scheduler)
    with (
        NotebookBar(f"drift to {out}") as bar,
        open_counters(grid, on, engine, devices, memory) as counters,
        lock.held(out) as still,
    ):
        kinds, about = counters.kinds, counters.about
        if not resume.resumable(grid, counters.inputs, out, overwrite):
            with interrupts.delay_signals():
                resume.create(out, grid, {**about, "inputs": counters.inputs})
        out.clean()
        store = SweepStore(out, writing=True)
        for coordinate in coordinates(grid, store.attrs["layout"]):
            store.mend(coordinate.name, partial(add, store.group, [coordinate], overwrite=True))
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
        write(counted, writer, session, kinds, progress or _shown(bar), flush_seconds)
        return Swept(SweepStore(out), session.seconds)


def executor(workers: int | None = None, scheduler: str | None = None) -> OpenExecutor:
    """Return who counts: this process, so many `workers`, or those of a `scheduler`.

    Raises BadInput for both at once.
    """
    if workers is not None and scheduler is not None:
        raise BadInput("workers and scheduler are both given; a scheduler has workers already")
    if workers is None and scheduler is None:
        return local_executor
    from drift.sim.sweeps import dask_cluster

    if workers is not None:
        return dask_cluster.new_workers(workers)
    assert scheduler is not None, "one of both is given"
    return dask_cluster.workers_at(scheduler)


def seconds_of(store: SweepStore) -> dict[str, float]:
    """Return where the time went that a store took, of all sessions."""
    known: dict[str, float] = store.attrs.get("seconds", {})
    return {name: known.get(name, 0.0) for name in ("total", "compile", "compute")}


def _shown(bar: NotebookBar) -> Progress:
    return lambda session: bar(session.done + session.failed, session.points)


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
